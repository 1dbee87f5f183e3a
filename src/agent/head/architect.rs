//! [`HeadArchitect`]: the head as the one who chooses an episode's architecture.

use super::card::Head;
use super::sight::Round;
use crate::agent::error::AgentError;
use crate::arch::{Domain, NetSpec, Point, Space};
use crate::episode::{Architect, Choice, Labelled};
use crate::error::Result;
use crate::rng::Key;
use std::sync::Arc;

/// Walks the head's space, one decision a round, without any training of its own.
#[derive(Clone, Debug)]
pub struct HeadArchitect {
    head: Arc<Head>,
    at: Point,
}

impl HeadArchitect {
    /// Starts at `start`, or where the space does.
    pub fn new(head: Arc<Head>, start: Option<Point>) -> Self {
        let at = start.unwrap_or_else(|| head.space().start());
        Self { head, at }
    }

    /// Where the walk stands.
    pub fn point(&self) -> Point {
        self.at
    }

    /// Goes on from `point`.
    pub fn set_point(&mut self, point: Point) {
        self.at = point;
    }

    /// Makes the round's move and says where it led.
    ///
    /// # Errors
    /// [`AgentError::HeadBlind`] without the round's features; a point outside the space.
    pub fn advance(&mut self, labelled: &Labelled<'_>) -> Result<Point> {
        let domain = Domain::new(*self.head.space(), labelled.inputs.cols(), labelled.classes)?;
        let globals = labelled.globals.ok_or(AgentError::HeadBlind)?;
        let round = Round { at: self.at, labels: labelled.rows.len(), globals };
        self.at = self.head.decide(&domain, round)?;
        Ok(self.at)
    }
}

impl Architect for HeadArchitect {
    fn choose(&mut self, labelled: &Labelled<'_>, _current: &NetSpec, _key: Key) -> Result<Choice> {
        let at = self.advance(labelled)?;
        let spec = self.head.space().spec(&at, labelled.inputs.cols(), labelled.classes)?;
        Ok(Choice { spec, steps: 0 })
    }

    fn sees(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::sight::{MOVE, global_names};
    use super::*;
    use crate::agent::network::{Kind, Network, NetworkConfig};
    use crate::agent::testing::sources;
    use crate::arch::ArchSpace;
    use crate::data::Matrix;
    use crate::episode::{Player, play};
    use crate::query::Registry;
    use std::collections::BTreeMap;

    /// A head whose scores are the move's features times these, whatever the round.
    fn head(weights: [f32; 3]) -> Arc<Head> {
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let globals = global_names().count();
        let mut network = Network::new(config, MOVE.len(), globals, Key::root(0)).unwrap();
        let mut skip = Matrix::zeros(MOVE.len(), 1 + globals);
        weights.iter().enumerate().for_each(|(at, &weight)| skip.row_mut(at)[0] = weight);
        network.set_skip(&skip);
        let space = ArchSpace { max_blocks: 3, max_stacks: 2, ..ArchSpace::default() };
        Arc::new(Head::new(network, space, 0.0, BTreeMap::new()).unwrap())
    }

    fn walk(weights: [f32; 3]) -> Vec<String> {
        let source = &sources()[0];
        let head = head(weights);
        let mut plan = source.plan.clone();
        plan.blocks = head.space().spec(&Point::new(1, 1), 1, 1).unwrap().blocks().to_vec();
        let player = Player {
            name: "random".into(),
            strategy: Registry::builtin().build("random").unwrap(),
            replicate: source.replicate(Key::root(3), 0),
            repetition: 0,
            architect: Some(Box::new(HeadArchitect::new(head, None))),
        };
        let played = play(&plan, vec![player]).unwrap();
        played[0].rows.iter().map(|row| row.architecture.clone()).collect()
    }

    #[test]
    fn an_episode_grows_as_the_head_says_and_never_shrinks() {
        let small = "4-r32-3";
        assert_eq!(walk([-1.0, -1.0, 0.0]), [small; 5], "staying wins, and wins ties");
        assert_eq!(walk([0.0, 0.0, 0.0]), [small; 5]);
        let deeper = ["4-r32-3", "4-r32-r32-3", "4-r32-r32-r32-3", "4-r32-r32-r32-3", "4-r32-r32-r32-3"];
        assert_eq!(walk([1.0, -1.0, 0.0]), deeper, "until the grid ends");
        assert_eq!(walk([-1.0, 1.0, 0.0])[1..], ["4-r32-r64-3"; 4]);
    }
}
