//! What is asked of the intake, as a part of what the machine could do.

use crate::clients::Figures;
use crate::handlers::PATHS;

/// At one notification a POST the disk decides: at least this part of a bare file with group commit.
const OF_RAW_LOG_MIN: f64 = 0.4;

/// At fifty the reading decides: at least this part of parsing alone.
const OF_PARSING_MIN: f64 = 0.6;

/// Prints and judges how the intake stands on either database, round by round beside its yardstick.
pub fn judge(batch_size: usize, rounds: &[Vec<Figures>]) -> bool {
    let (yardstick, wanted) = if batch_size == 1 { ("/raw-log", OF_RAW_LOG_MIN) } else { ("/parse", OF_PARSING_MIN) };
    let rate = |round: &[Figures], path: &str| {
        let index = PATHS.iter().position(|name| *name == path).expect("one of the handlers");
        round[index].answers_per_second
    };
    let mut is_good = true;
    for path in ["/sqlite", "/postgresql"] {
        let ratio = median(rounds.iter().map(|round| rate(round, path) / rate(round, yardstick).max(1.0)));
        let word = if ratio >= wanted { "good" } else { "TOO SLOW" };
        is_good &= ratio >= wanted;
        println!("{} / {} = {ratio:.2} (at least {wanted}): {word}", &path[1..], &yardstick[1..]);
    }
    is_good
}

/// The middle one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
