//! Ways to do the same, in turn, and how many times as long each takes as the first.
//!
//! A ratio is taken within its round, so that a slow minute of the machine hits both of its sides; the medians count.

/// What one call took, by way and round.
#[derive(Debug)]
pub struct Ratios {
    names: Vec<String>,
    /// Seconds for each call, by way; one entry a round.
    times: Vec<Vec<f64>>,
}

impl Ratios {
    /// Nothing measured yet of the ways with these names; the first is the measure.
    pub fn of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let times = vec![Vec::new(); names.len()];
        Self { names, times }
    }

    /// The order of the ways in a round: another one begins each time.
    pub fn turns(&self, round: usize) -> impl Iterator<Item = usize> + use<> {
        let ways = self.names.len();
        (0..ways).map(move |place| (round + place) % ways)
    }

    /// Keeps what a call of the way took in this round, in seconds.
    ///
    /// # Panics
    ///
    /// If there is no such way.
    pub fn add(&mut self, way: usize, seconds: f64) {
        self.times[way].push(seconds);
    }

    /// Prints the table: medians and least of the times, medians of the ratios to the first way and
    /// their quartiles.
    pub fn print(&self, title: &str, per: &str) {
        println!("| {title} | {per}, median | fastest | ratio, median | quartiles |");
        println!("|---|---:|---:|---:|---:|");
        for (name, times) in self.names.iter().zip(&self.times) {
            let mut ratios: Vec<f64> = times
                .iter()
                .zip(&self.times[0])
                .map(|(time, measure)| time / measure)
                .collect();
            let mut times = times.clone();
            for values in [&mut ratios, &mut times] {
                values.sort_by(f64::total_cmp);
            }
            println!(
                "| {name} | {} | {} | **{}** | {} .. {} |",
                duration(part(&times, 0.5)),
                duration(part(&times, 0.0)),
                number(part(&ratios, 0.5)),
                number(part(&ratios, 0.25)),
                number(part(&ratios, 0.75)),
            );
        }
        println!();
    }
}

fn part(sorted: &[f64], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn number(ratio: f64) -> String {
    match ratio {
        ratio if ratio < 10.0 => format!("{ratio:.2}"),
        ratio => format!("{ratio:.1}"),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1e-6 => format!("{:.0} ns", seconds * 1e9),
        seconds if seconds < 1e-3 => format!("{:.2} µs", seconds * 1e6),
        seconds => format!("{:.2} ms", seconds * 1e3),
    }
}
