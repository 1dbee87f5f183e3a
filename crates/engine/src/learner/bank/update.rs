//! The update rules, element by element over all weights of a tile.

use super::vector::{LINE, Vector};
use crate::learner::plan::Optimiser;

pub(in crate::learner) const BETA1: f64 = 0.9;
pub(in crate::learner) const BETA2: f64 = 0.999;
pub(in crate::learner) const EPSILON: f32 = 1e-8;
/// `0.96^0.004`: what NAdam's momentum decay multiplies by in every step.
const NADAM_DECAY: f64 = 0.999_836_725_352_675_3;
/// Gradients below this become `+0`, and first moments below [`TINY_MOMENT`]: their squares and
/// remainders would be subnormal, which is slow, and they move no weight. It also makes the sign of a
/// zero independent of rows that a neighbour has and this network has not.
const TINY_GRADIENT: f32 = 1e-17;
const TINY_MOMENT: f32 = 1e-30;

/// The factors of one step.
#[derive(Clone, Copy)]
pub(in crate::learner) enum Rule {
    Sgd {
        rate: f32,
        momentum: f32,
        nesterov: bool,
        first: bool,
    },
    /// `w -= moment * m / (sqrt(v) * root + eps) + gradient * g / (…)`; Adam has no `gradient` term.
    Moments {
        moment: f32,
        gradient: f32,
        root: f32,
    },
    /// The same for networks side by side that have made different numbers of steps, one factor each;
    /// the first two with the opposite sign.
    ModelMoments {
        moment: [f32; LINE],
        gradient: [f32; LINE],
        root: [f32; LINE],
    },
}

/// The state of a run of steps that all weights of a network share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::learner) struct Clock {
    optimiser: Optimiser,
    rate: f64,
    step: u32,
    power1: f64,
    power2: f64,
    decay: f64,
    product: f64,
}

impl Clock {
    pub fn new(optimiser: Optimiser, rate: f32) -> Self {
        let rate = f64::from(rate);
        Self { optimiser, rate, step: 0, power1: 1.0, power2: 1.0, decay: NADAM_DECAY, product: 1.0 }
    }

    /// Whether this is a state of that optimiser, to go on from.
    pub fn is_of(&self, optimiser: Optimiser, rate: f32) -> bool {
        self.optimiser == optimiser && self.rate == f64::from(rate)
    }

    /// The factors of the next step.
    pub fn tick(&mut self) -> Rule {
        self.step += 1;
        // Running products, not `powi`: the same on every machine.
        self.power1 *= BETA1;
        self.power2 *= BETA2;
        let root = (1.0 / (1.0 - self.power2).sqrt()) as f32;
        match self.optimiser {
            Optimiser::Sgd { momentum, nesterov } => {
                Rule::Sgd { rate: self.rate as f32, momentum, nesterov, first: self.step == 1 }
            }
            Optimiser::Adam => {
                Rule::Moments { moment: (self.rate / (1.0 - self.power1)) as f32, gradient: 0.0, root }
            }
            // Fitted to its optimum elsewhere: it makes no steps here.
            Optimiser::Lbfgs { .. } => Rule::Moments { moment: 0.0, gradient: 0.0, root: 0.0 },
            Optimiser::NAdam => {
                let now = BETA1 * (1.0 - 0.5 * self.decay);
                self.decay *= NADAM_DECAY;
                let next = BETA1 * (1.0 - 0.5 * self.decay);
                self.product *= now;
                let gradient = (self.rate * (1.0 - now) / (1.0 - self.product)) as f32;
                let moment = (self.rate * next / (1.0 - self.product * next)) as f32;
                Rule::Moments { moment, gradient, root }
            }
        }
    }
}

/// The clocks of a tile's networks: one for all while they agree.
pub(super) struct Clocks {
    models: [Clock; LINE],
    agree: bool,
}

impl Clocks {
    /// From the clocks of the first networks; places without a network follow the first.
    pub fn of(clocks: impl Iterator<Item = Clock> + Clone) -> Self {
        let first = clocks.clone().next().expect("a network");
        let agree = clocks.clone().all(|clock| clock == first);
        let mut models = [first; LINE];
        models.iter_mut().zip(clocks).for_each(|(model, clock)| *model = clock);
        Self { models, agree }
    }

    /// The clock of one network.
    pub fn model(&self, model: usize) -> Clock {
        self.models[if self.agree { 0 } else { model }]
    }

    fn tick(&mut self) -> Rule {
        if self.agree {
            return self.models[0].tick();
        }
        let rules = self.models.each_mut().map(Clock::tick);
        let (mut moment, mut gradient, mut root) = ([0.0; LINE], [0.0; LINE], [0.0; LINE]);
        for (model, rule) in rules.into_iter().enumerate() {
            match rule {
                Rule::Moments { moment: m, gradient: g, root: r } => {
                    (moment[model], gradient[model], root[model]) = (-m, -g, r);
                }
                // Momentum begins with a buffer of zeros, so its first step needs no rule of its own.
                Rule::Sgd { rate, momentum, nesterov, .. } => {
                    return Rule::Sgd { rate, momentum, nesterov, first: false };
                }
                Rule::ModelMoments { .. } => unreachable!("a clock is one network's"),
            }
        }
        Rule::ModelMoments { moment, gradient, root }
    }
}

/// One step over `len` weights.
#[derive(Clone, Copy)]
pub(super) struct Update {
    rule: Rule,
    pub decay: f32,
    pub len: usize,
    pub weights: *mut f32,
    pub gradients: *const f32,
    /// First moments; SGD's momentum buffer.
    pub first: *mut f32,
    /// Second moments; untouched by SGD.
    pub second: *mut f32,
}

impl Update {
    /// The next step of `clocks`.
    pub fn next(
        clocks: &mut Clocks,
        decay: f32,
        weights: &mut [f32],
        gradients: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) -> Self {
        let len = weights.len();
        assert!(gradients.len() == len && first.len() == len && second.len() == len);
        Self {
            rule: clocks.tick(),
            decay,
            len,
            weights: weights.as_mut_ptr(),
            gradients: gradients.as_ptr(),
            first: first.as_mut_ptr(),
            second: second.as_mut_ptr(),
        }
    }
}

/// Makes the step.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers be valid for `len` elements, a multiple of
/// [`LINE`].
#[inline(always)]
pub(super) unsafe fn update<V: Vector>(u: &Update) {
    // SAFETY: `at` begins the registers of `len` elements one after the other, `model` those of a line; `len` is a multiple
    // of a line, and a line of a register.
    unsafe {
        match u.rule {
            Rule::Sgd { rate, momentum, nesterov, first } => {
                let rate = V::splat(-rate);
                for at in (0..u.len).step_by(V::LANES) {
                    let w = V::load(u.weights.add(at));
                    let g = gradient(u, at, w);
                    let m = u.first.add(at);
                    let buffer = if first { g } else { flush(V::load(m).fma(V::splat(momentum), g)) };
                    let direction = if nesterov { buffer.fma(V::splat(momentum), g) } else { buffer };
                    buffer.store(m);
                    direction.fma(rate, w).store(u.weights.add(at));
                }
            }
            Rule::Moments { moment, gradient: 0.0, root } => {
                for at in (0..u.len).step_by(V::LANES) {
                    let w = V::load(u.weights.add(at));
                    let g = gradient(u, at, w);
                    let (m, denominator) = moments(u, at, g, V::splat(root));
                    m.div(denominator).fma(V::splat(-moment), w).store(u.weights.add(at));
                }
            }
            Rule::Moments { moment, gradient: share, root } => {
                for at in (0..u.len).step_by(V::LANES) {
                    let w = V::load(u.weights.add(at));
                    let g = gradient(u, at, w);
                    let (m, denominator) = moments(u, at, g, V::splat(root));
                    let direction = m.fma(V::splat(-moment), g.mul(V::splat(-share)));
                    w.add(direction.div(denominator)).store(u.weights.add(at));
                }
            }
            // The same operations in the same order, with factors that differ from model to model.
            Rule::ModelMoments { moment, gradient: shares, root } => {
                let plain = shares == [0.0; LINE];
                for at in (0..u.len).step_by(V::LANES) {
                    let model = at % LINE;
                    let factor = |line: &[f32; LINE]| V::load(line.as_ptr().add(model));
                    let w = V::load(u.weights.add(at));
                    let g = gradient(u, at, w);
                    let (m, denominator) = moments(u, at, g, factor(&root));
                    let next = if plain {
                        m.div(denominator).fma(factor(&moment), w)
                    } else {
                        w.add(m.fma(factor(&moment), g.mul(factor(&shares))).div(denominator))
                    };
                    next.store(u.weights.add(at));
                }
            }
        }
    }
}

/// The gradient at a place whose weights are `w`, with decay and without what is too small.
///
/// # Safety
/// As [`update`], and a register must begin at `at`.
#[inline(always)]
unsafe fn gradient<V: Vector>(u: &Update, at: usize, w: V) -> V {
    // SAFETY: one register of gradients, which the caller vouches for.
    unsafe {
        let g = V::load(u.gradients.add(at));
        V::splat(u.decay).fma(w, g.keep_above(g.abs(), V::splat(TINY_GRADIENT)))
    }
}

/// Zero for what is too small for a moment.
///
/// # Safety
/// The processor must have the instructions of `V`.
#[inline(always)]
unsafe fn flush<V: Vector>(m: V) -> V {
    // SAFETY: arithmetic on registers, with the instructions that the caller promises.
    unsafe { m.keep_above(m.abs(), V::splat(TINY_MOMENT)) }
}

/// Both moments, updated and stored; gives the first, and `sqrt(v / correction) + eps`.
///
/// # Safety
/// As [`update`], and a register must begin at `at`.
#[inline(always)]
unsafe fn moments<V: Vector>(u: &Update, at: usize, g: V, root: V) -> (V, V) {
    // SAFETY: one register of each of the moments, which the caller vouches for.
    unsafe {
        let m = V::load(u.first.add(at));
        let m = flush(g.sub(m).fma(V::splat((1.0 - BETA1) as f32), m));
        m.store(u.first.add(at));
        let v = V::load(u.second.add(at)).mul(V::splat(BETA2 as f32));
        let v = g.mul(g).fma(V::splat((1.0 - BETA2) as f32), v);
        v.store(u.second.add(at));
        (m, v.sqrt().fma(root, V::splat(EPSILON)))
    }
}
