//! Runs the lanes in turn and keeps the medians.
//!
//! Per workload: every lane is warmed up and must load what the first one loads; then each is given as many repetitions
//! as fill a turn; then rounds of A B C, starting one lane further each time. A lane that fails is reported and drops out of
//! that workload only; one so slow that it overdraws its time has its median from the turns it had, three at least.

use std::time::Duration;

use async_trait::async_trait;

use crate::Result;
use crate::checksum::Checksum;
use crate::contender::Workload;
use crate::lane::Lane;

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Turns each lane gets.
    pub rounds: usize,
    /// The length of one turn; a slow lane takes longer, one operation at least.
    pub turn: Duration,
}

/// Puts the database back between turns, outside any measured time.
#[async_trait]
pub trait Reset: Send {
    /// Empties the table inserts go to.
    async fn reset(&mut self) -> Result<()>;
}

/// One lane's result in one workload.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The median over the rounds.
    pub median: Duration,
    /// The fastest round.
    pub fastest: Duration,
}

/// Measures one workload; the result has an entry per lane, in order.
///
/// # Errors
///
/// When two lanes disagree about what they loaded: then no time counts. When the database cannot be reset.
pub async fn measure(
    workload: Workload,
    lanes: &mut [Box<dyn Lane>],
    reset: &mut dyn Reset,
    effort: Effort,
) -> Result<Vec<Option<Timing>>> {
    let mut repetitions = Vec::with_capacity(lanes.len());
    let mut agreed: Option<(String, Checksum)> = None;
    for lane in lanes.iter_mut() {
        reset.reset().await?;
        match warm_up(workload, lane.as_mut(), effort.turn).await {
            Ok((times, checksum)) => {
                let (first, expected) =
                    agreed.get_or_insert_with(|| (lane.name().to_owned(), checksum));
                if *expected != checksum {
                    return Err(format!(
                        "{}: {first} loads {expected}, {} loads {checksum}",
                        workload.name(),
                        lane.name()
                    )
                    .into());
                }
                repetitions.push(times);
            }
            Err(error) => {
                eprintln!("{}: {} drops out: {error}", workload.name(), lane.name());
                repetitions.push(0);
            }
        }
    }
    let allowance = effort.turn * effort.rounds as u32 * 4;
    let mut spent = vec![Duration::ZERO; lanes.len()];
    let mut samples = vec![Vec::with_capacity(effort.rounds); lanes.len()];
    for round in 0..effort.rounds {
        for turn in 0..lanes.len() {
            let index = (round + turn) % lanes.len();
            if repetitions[index] == 0 || (samples[index].len() >= 3 && spent[index] > allowance) {
                continue;
            }
            reset.reset().await?;
            let sample = lanes[index].time(workload, repetitions[index]).await?;
            spent[index] += sample.elapsed;
            samples[index].push(sample.each);
        }
    }
    Ok(samples.into_iter().map(timing).collect())
}

async fn warm_up(
    workload: Workload,
    lane: &mut dyn Lane,
    turn: Duration,
) -> Result<(u32, Checksum)> {
    lane.time(workload, 1).await?;
    lane.time(workload, 2).await?;
    let start = std::time::Instant::now();
    let sample = lane.time(workload, 1).await?;
    let once = start.elapsed().max(Duration::from_nanos(1));
    let times = (turn.as_nanos() / once.as_nanos()).clamp(1, 1_000) as u32;
    Ok((times, sample.checksum))
}

fn timing(mut samples: Vec<Duration>) -> Option<Timing> {
    samples.sort_unstable();
    let fastest = *samples.first()?;
    let middle = samples.len() / 2;
    let median = if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        (samples[middle - 1] + samples[middle]) / 2
    };
    Some(Timing { median, fastest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_rounds_lies_between_the_middle_two() {
        let timing = timing([4, 1, 3, 2].map(Duration::from_micros).to_vec()).unwrap();
        assert_eq!(timing.median, Duration::from_nanos(2_500));
        assert_eq!(timing.fastest, Duration::from_micros(1));
    }

    #[test]
    fn a_lane_that_dropped_out_has_no_timing() {
        assert!(timing(Vec::new()).is_none());
    }
}
