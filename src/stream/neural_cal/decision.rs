//! What an interval for `η(x)` says: a class, nothing, or that the label is needed.

/// The answer for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Class 0.
    Zero,
    /// Class 1.
    One,
    /// Neither: `η` is near one half.
    Abstain,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The estimate of `η`.
    pub estimate: f64,
    /// The bounds of `η`.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// The answer.
    pub verdict: Verdict,
    /// Whether the label is to be asked for.
    pub query: bool,
}

/// Judges by bounds `low <= η <= high`. With Chow's parameter `γ`, both are moved outward by `γ / 4`; the answer is
/// to abstain where all that is between lies within `γ` of one half, and else the side of the estimate. The label is
/// asked for where one half lies between and the answer is not to abstain.
pub fn judge(low: f64, high: f64, estimate: f64, abstention: Option<f64>) -> Judged {
    let (margin, near) = abstention.map_or((0.0, 0.0), |gamma| (gamma / 4.0, gamma));
    let (from, to) = (low - margin, high + margin);
    let abstains = abstention.is_some() && from >= 0.5 - near && to <= 0.5 + near;
    let verdict = match () {
        () if abstains => Verdict::Abstain,
        () if estimate >= 0.5 => Verdict::One,
        () => Verdict::Zero,
    };
    Judged { estimate, low, high, verdict, query: !abstains && from <= 0.5 && 0.5 <= to }
}
