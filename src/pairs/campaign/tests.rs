//! What any campaign promises, and what random finds.

use super::*;
use crate::pairs::rules;
use crate::pairs::world::{World, WorldPlan};

/// A world of 60 genes (1,770 pairs), five of whose pathways may matter.
fn world(seed: u64) -> World {
    let plan = WorldPlan { genes: 60, pathways: 6, ..WorldPlan::default() };
    plan.make(Key::root(seed)).unwrap()
}

fn plan() -> CampaignPlan {
    let network = NetworkPlan { width: 16, hidden: 16, pretraining: 100, epochs: 60, ..Default::default() };
    CampaignPlan { rounds: 4, batch: 40, top: 60, members: 4, network }
}

fn hits(plan: CampaignPlan, world: &World, rule: &str, seed: u64) -> Vec<usize> {
    let campaign = Campaign::new(plan, &world.screen, &world.graph, Key::root(seed)).unwrap();
    let course = campaign.run(&*rules::build(rule).unwrap(), |_| {}).unwrap();
    course.rounds.iter().map(|round| round.hits).collect()
}

/// The hits of random are hypergeometric: their mean over campaigns is the share seen, times the best there are.
#[test]
fn random_finds_the_share_that_it_has_seen() {
    let world = world(1);
    let mut plan = plan();
    (plan.members, plan.network.pretraining, plan.network.epochs) = (1, 0, 1);
    let repetitions = 60;
    let pairs = world.screen.pairs().len() as f64;
    let mut sums = [0.0; 4];
    for seed in 0..repetitions {
        for (sum, hits) in sums.iter_mut().zip(hits(plan, &world, "random", seed)) {
            *sum += hits as f64 / plan.top as f64;
        }
    }
    for (round, sum) in sums.iter().enumerate() {
        let (found, share) = (sum / repetitions as f64, ((round + 1) * plan.batch) as f64 / pairs);
        let top = plan.top as f64;
        let variance = share * (1.0 - share) / top * (pairs - top) / (pairs - 1.0);
        let error = (variance / repetitions as f64).sqrt();
        assert!((found - share).abs() < 3.0 * error, "round {}: {found} {share} ± {error}", round + 1);
    }
}

/// Knows the outcomes, and so finds all of the best as soon as it may.
struct Oracle(Vec<f64>);

impl PairRule for Oracle {
    fn choose(&self, view: &PairView<'_>, batch: usize, _key: Key) -> Result<Vec<u32>> {
        let mut hidden = view.hidden.to_vec();
        hidden.sort_by(|&a, &b| self.0[a as usize].total_cmp(&self.0[b as usize]));
        hidden.truncate(batch);
        Ok(hidden)
    }

    fn needs_beliefs(&self) -> bool {
        false
    }
}

#[test]
fn an_oracle_finds_all_and_no_curve_falls() {
    let world = world(2);
    let mut plan = plan();
    plan.network.epochs = 5;
    let campaign = Campaign::new(plan, &world.screen, &world.graph, Key::root(1)).unwrap();
    let course = campaign.run(&Oracle(world.screen.known().unwrap()), |_| {}).unwrap();
    // Forty random pairs, then the lowest hidden ones: after twice as many as there are best, all are found.
    assert_eq!(course.rounds[2].hits, plan.top);
    assert_eq!(campaign.top().count(), plan.top);
    for entry in rules::ENTRIES {
        let mut told = Vec::new();
        let course = campaign.run(&*rules::build(entry.name).unwrap(), |round| told.push(*round)).unwrap();
        assert_eq!(told, course.rounds);
        for (before, after) in course.rounds.iter().zip(&course.rounds[1..]) {
            assert!(after.hits >= before.hits && after.best <= before.best, "{}", entry.name);
            assert_eq!(after.seen, before.seen + plan.batch);
        }
        let distinct: std::collections::HashSet<u32> = course.measured.iter().copied().collect();
        assert_eq!(distinct.len(), plan.rounds * plan.batch, "{}", entry.name);
        assert_eq!(course.measured[..plan.batch], campaign.first, "the first round is shared");
        let rmse = |round: &Round| round.rmse.is_some_and(|rmse| rmse > 0.0 && rmse < 2.0);
        assert!(entry.name == "random" || course.rounds.iter().all(rmse), "{}", entry.name);
    }
}

/// Bit for bit, and by one thread as by several.
#[test]
fn a_campaign_is_the_same_on_any_number_of_threads() {
    let world = world(3);
    let mut plan = plan();
    plan.network.epochs = 10;
    let run = |threads: usize, rule: &str| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let campaign = Campaign::new(plan, &world.screen, &world.graph, Key::root(5)).unwrap();
            campaign.run(&*rules::build(rule).unwrap(), |_| {}).unwrap()
        })
    };
    for rule in ["optimism", "badge", "bait"] {
        let one = run(1, rule);
        assert_eq!(one, run(3, rule), "{rule}");
        assert!(one.rounds.iter().all(|round| round.rmse.unwrap().is_finite()));
    }
}

#[test]
fn what_cannot_be_played_is_refused() {
    let world = world(1);
    let refused = |change: fn(&mut CampaignPlan)| {
        let mut plan = plan();
        change(&mut plan);
        Campaign::new(plan, &world.screen, &world.graph, Key::root(0)).unwrap_err().to_string()
    };
    assert!(refused(|plan| plan.rounds = 0).contains("rounds is 0, expected 1 to 10000"));
    assert!(refused(|plan| plan.members = 65).contains("members is 65, expected 1 to 64"));
    assert!(refused(|plan| plan.batch = 0).contains("batch is 0"));
    assert!(refused(|plan| plan.batch = 500).contains("1770 pairs, but 2000 are needed for 4 rounds of 500"));
    assert!(refused(|plan| plan.top = 1_771).contains("1770 pairs, but 1771 are needed"));
}

/// Of the published size, by the forecast that `--dry-run` prints.
#[test]
fn the_published_screen_takes_less_than_100_megabytes() {
    let world = WorldPlan::default().make(Key::root(0)).unwrap();
    let bytes = CampaignPlan::default().memory(&world.screen, &world.graph, 2);
    assert!((10 << 20..100 << 20).contains(&bytes), "{bytes}");
}
