//! Keys of which few are asked for most of the time.

/// Keys by a zipf distribution: the most popular is asked for `rank^-exponent` times as often as the others. The generator
/// begins with a fixed number, so that runs agree.
#[derive(Debug)]
pub struct Zipf {
    /// The part of the calls that asks for a key of this rank or a more popular one.
    up_to: Vec<f64>,
    random: u64,
}

impl Zipf {
    /// A distribution over the keys from 0 to `keys`.
    pub fn new(keys: usize, exponent: f64) -> Self {
        let weights = (1..=keys).map(|rank| (rank as f64).powf(-exponent));
        let mut sum = 0.0;
        let mut up_to: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        up_to.iter_mut().for_each(|part| *part /= sum);
        Self {
            up_to,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The next key; popular ones lie far apart.
    pub fn key(&mut self) -> i64 {
        // Xorshift.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let part = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = self.up_to.partition_point(|&up_to| up_to < part);
        (rank * 7_919 % self.up_to.len()) as i64
    }

    /// The part of the calls that asks for one of the `keys` most popular keys.
    ///
    /// # Panics
    /// If there are no such keys.
    pub fn share_of_most_popular(&self, keys: usize) -> f64 {
        self.up_to[keys - 1]
    }
}
