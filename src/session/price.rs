//! What answers cost, and what is left of what they may cost.
//!
//! A price stands in a column of the pool, or goes by the class that is named. What an answer will cost is then not known
//! before: it is expected by the class probabilities of the row, and where none are predicted yet, all classes are taken
//! for as likely. So a session may end a little above what it may spend, by what its last batch cost more than expected.

use super::error::SessionError;
use super::plan::Settings;
use super::pool::Pool;
use super::state::State;
use super::{POOL, Session};

/// Prices of a session.
#[derive(Clone, Copy)]
pub(super) struct Prices<'a> {
    settings: &'a Settings,
    pool: &'a Pool,
}

impl<'a> Prices<'a> {
    /// Those of a session; `None` where all answers cost the same.
    pub fn of(settings: &'a Settings, pool: &'a Pool) -> Option<Self> {
        let any = settings.price.is_some() || !settings.class_prices.is_empty();
        any.then_some(Self { settings, pool })
    }

    /// Every class has a price where any has: that is checked when a session is made.
    fn of_class(&self, class: &str) -> f64 {
        self.settings.class_prices.get(class).copied().unwrap_or(0.0)
    }

    /// What an answer cost that names this class.
    fn paid(&self, row: u32, class: &str) -> Result<f64, SessionError> {
        match self.settings.price {
            Some(column) => self.pool.price(row as usize, column),
            None => Ok(self.of_class(class)),
        }
    }

    /// What an answer is expected to cost, by the probabilities of the session's classes, in their order.
    pub fn expected(&self, row: u32, probabilities: Option<&[f32]>) -> Result<f64, SessionError> {
        if let Some(column) = self.settings.price {
            return self.pool.price(row as usize, column);
        }
        let prices = self.settings.classes.iter().map(|class| self.of_class(class));
        Ok(match probabilities {
            Some(p) => prices.zip(p).map(|(price, p)| price * f64::from(*p)).sum(),
            None => prices.sum::<f64>() / self.settings.classes.len() as f64,
        })
    }

    /// What all answers have cost.
    pub fn spent(&self, state: &State) -> Result<f64, SessionError> {
        let mut spent = 0.0;
        for (&row, all) in &state.answers {
            for one in all.iter().filter(|one| one.annotator != POOL) {
                if let Some(class) = one.verdict.label() {
                    spent += self.paid(row, class)?;
                }
            }
        }
        Ok(spent)
    }

    /// What the answers to rows in somebody's hand are expected to cost.
    pub fn held(&self, state: &State, now: u64) -> Result<f64, SessionError> {
        let mut held = 0.0;
        for one in state.in_hand(now) {
            held += match (self.settings.price, &one.pick.predicted) {
                (None, Some((class, _))) => self.paid(one.pick.row, class)?,
                _ => self.expected(one.pick.row, None)?,
            };
        }
        Ok(held)
    }
}

impl Session {
    /// What all answers have cost; `None` where answers have no prices.
    pub(super) fn spent(&self) -> Result<Option<f64>, SessionError> {
        Prices::of(&self.settings, &self.pool).map(|prices| prices.spent(&self.state)).transpose()
    }

    /// What is left to spend once the rows in hand are answered; `None` without a limit.
    pub(super) fn purse(&self, now: u64) -> Result<Option<f64>, SessionError> {
        let (Some(spend), Some(prices)) = (self.settings.spend, Prices::of(&self.settings, &self.pool))
        else {
            return Ok(None);
        };
        Ok(Some(spend - prices.spent(&self.state)? - prices.held(&self.state, now)?))
    }
}
