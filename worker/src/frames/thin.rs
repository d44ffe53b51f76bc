//! Bounds the number of kept frames. Pure.

/// What is weighed of a kept frame.
#[derive(Debug, Clone, Copy)]
pub struct Weight {
    pub screen: u32,
    /// How long it stood for.
    pub seconds: f64,
    /// Share of the screen's blocks that differ from the frame before it.
    pub novelty: f64,
}

/// The frame that tells least: little differs from its neighbour, it did not stay long, its screen is shown elsewhere
/// too. Never the first nor the last, so that neither end of a recording is lost.
pub fn least_informative(frames: &[Weight]) -> Option<usize> {
    let times_shown = |screen: u32| frames.iter().filter(|frame| frame.screen == screen).count();
    (1..frames.len().checked_sub(1)?)
        .map(|index| {
            let frame = &frames[index];
            // The only picture of a screen outweighs any repetition of another, whatever their novelty and length.
            let only = if times_shown(frame.screen) == 1 { 100.0 } else { 0.0 };
            (index, only + (0.02 + frame.novelty) * frame.seconds.max(0.05).sqrt())
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(screen: u32, seconds: f64, novelty: f64) -> Weight {
        Weight {
            screen,
            seconds,
            novelty,
        }
    }

    #[test]
    fn repetitions_go_before_screens_of_their_own_and_the_ends_stay() {
        let mut frames = vec![
            frame(0, 0.1, 0.0),
            frame(1, 9.0, 0.3),
            frame(1, 2.0, 0.001),
            frame(2, 0.7, 0.1),
            frame(1, 5.0, 0.3),
            frame(3, 0.1, 0.0),
        ];
        let mut order = Vec::new();
        while let Some(index) = least_informative(&frames) {
            order.push((frames[index].screen, frames[index].seconds));
            frames.remove(index);
        }
        assert_eq!(order, [(1, 2.0), (1, 5.0), (2, 0.7), (1, 9.0)]);
        assert_eq!(frames.len(), 2);
        assert_eq!(least_informative(&frames[..1]), None);
        assert_eq!(least_informative(&[]), None);
    }
}
