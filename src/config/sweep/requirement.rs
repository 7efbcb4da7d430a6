//! What is asked of a metric.

use super::Metric;
use crate::base::choice::Choice;
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What a metric is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Requirement {
    /// The metric.
    pub metric: Metric,
    /// Whether it is to be above the bound, and not below it.
    pub above: bool,
    /// The bound.
    pub bound: f64,
}

impl FromStr for Requirement {
    type Err = String;

    /// Reads `METRIC>NUMBER` or `METRIC<NUMBER`.
    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || format!("{text:?} must be METRIC>NUMBER or METRIC<NUMBER, such as separability>0.9");
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (metric, bound) = (text[..at].trim(), text[at + 1..].trim());
        let metric: Metric = metric.parse().map_err(|_| {
            let names: Vec<&str> = Metric::all().into_iter().map(Choice::as_str).collect();
            format!(
                "{metric:?}: there is no such metric; choose of {}",
                names.join(", ")
            )
        })?;
        let bound: f64 = bound.parse().map_err(|_| form())?;
        if !bound.is_finite() {
            return Err(form());
        }
        Ok(Self {
            metric,
            above: text[at..].starts_with('>'),
            bound,
        })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.above { '>' } else { '<' };
        write!(f, "{} {sign} {}", self.metric, self.bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_requirement_says_what_one_is() {
        for wrong in [
            "separability",
            "separability=0.9",
            "separability>",
            "separability>x",
            "beauty>1",
            "snr>nan",
        ] {
            wrong.parse::<Requirement>().expect_err(wrong);
        }
        let error = "beauty>1".parse::<Requirement>().expect_err("no metric");
        assert!(error.contains("separability"), "{error}");
    }
}
