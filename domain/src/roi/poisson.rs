//! How far a count can be trusted: the exact interval of a Poisson mean.

/// Probability in each tail of the two-sided 95 % interval.
const TAIL: f64 = 0.025;

/// The two-sided 95 % interval of a Poisson mean from which `count` events were seen.
///
/// Exact by construction (F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936): the low end is
/// the mean that gives `count` or more with probability 2.5 %, the high end the mean that gives `count` or fewer with
/// 2.5 %. It equals `chi2(0.025; 2n) / 2` and `chi2(0.975; 2n + 2) / 2`; here the tails are summed and inverted by bisection.
pub fn interval(count: u32) -> (f64, f64) {
    let n = f64::from(count);
    let width = 10.0 * (n + 1.0).sqrt() + 10.0;
    let low = if count == 0 {
        0.0
    } else {
        bisect((n - width).max(0.0), n, |mean| at_least(count, mean) < TAIL)
    };
    let high = bisect(n, n + width, |mean| at_most(count, mean) > TAIL);
    (low, high)
}

/// The point in between at which `left` stops being true, to the precision of floats.
fn bisect(mut low: f64, mut high: f64, left: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if left(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Probability of exactly `count` events.
fn exactly(count: u32, mean: f64) -> f64 {
    if mean <= 0.0 {
        return if count == 0 { 1.0 } else { 0.0 };
    }
    (f64::from(count) * mean.ln() - mean - ln_factorial(count)).exp()
}

/// Probability of `count` or more events; for `mean <= count`, where the terms fall from the first on.
fn at_least(count: u32, mean: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, f64::from(count));
    while term > 1e-17 {
        k += 1.0;
        term *= mean / k;
        sum += term;
    }
    exactly(count, mean) * sum
}

/// Probability of `count` or fewer events; for `mean >= count`, where the terms fall from the first on.
fn at_most(count: u32, mean: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, f64::from(count));
    while k > 0.0 && term > 1e-17 {
        term *= k / mean;
        sum += term;
        k -= 1.0;
    }
    exactly(count, mean) * sum
}

/// ln n!: summed below 20, from there by Stirling's series, whose next term is below 1e-12.
fn ln_factorial(n: u32) -> f64 {
    if n < 20 {
        return (2..=n).map(|k| f64::from(k).ln()).sum();
    }
    let n = f64::from(n);
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
        + 1.0 / (1260.0 * n.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_published_tables() {
        // Garwood's 95 % limits as tabulated, e.g. in Ulm, American Journal of Epidemiology 131 (1990).
        for (count, low, high) in [
            (0, 0.0, 3.689),
            (1, 0.0253, 5.572),
            (3, 0.6187, 8.767),
            (6, 2.202, 13.059),
            (10, 4.795, 18.390),
            (30, 20.241, 42.827),
            (100, 81.364, 121.627),
        ] {
            let (l, h) = interval(count);
            assert!((l - low).abs() < 6e-4 && (h - high).abs() < 6e-4, "{count}: {l} {h}");
        }
    }

    #[test]
    fn it_holds_the_count_and_narrows_relatively() {
        let mut last = f64::INFINITY;
        for count in [1, 2, 3, 10, 19, 20, 100, 1_000, 100_000, 10_000_000] {
            let (low, high) = interval(count);
            let n = f64::from(count);
            assert!(0.0 < low && low < n && n < high, "{count}: {low} {high}");
            let relative = (high - low) / n;
            assert!(relative < last, "{count}");
            last = relative;
        }
    }
}
