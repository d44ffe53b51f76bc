//! How closely an analysis looks at a recording.

use serde::{Deserialize, Serialize};

use crate::closed::closed;

closed! {
    /// Who reads a recording.
    pub enum Analyser {
        /// Measured on this platform's own workers; nothing leaves the house.
        Local = "local",
        /// A model behind an endpoint, where an owner and the session allow it.
        Remote = "remote",
    }

    /// A named choice of how closely to look.
    pub enum SamplingPreset {
        /// A frame every three seconds, up to 50.
        Quick = "quick",
        /// A frame a second, up to 120.
        Standard = "standard",
        /// Two frames a second, up to 200, noticing smaller changes.
        Detailed = "detailed",
        /// Three frames a second, up to 300, noticing the smallest changes.
        Forensic = "forensic",
        /// Values of one's own; what is not given is as in STANDARD.
        Custom = "custom",
    }
}

/// How closely to look: what the stored settings of an analysis say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Frames looked at per second of recording.
    pub frames_per_second: f64,
    /// Frames kept at most; the least informative are dropped first, never the tail.
    pub max_frames: u32,
    /// How much of a screen must change to be another screen, `0..=1`.
    pub scene_threshold: f64,
}

/// Values that replace those of a preset.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Overrides {
    /// See [`Sampling::frames_per_second`].
    pub frames_per_second: Option<f64>,
    /// See [`Sampling::max_frames`].
    pub max_frames: Option<i64>,
    /// See [`Sampling::scene_threshold`].
    pub scene_threshold: Option<f64>,
}

/// A setting outside its bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} must be between {least} and {most}")]
pub struct OutOfBounds {
    /// The field's name in the API.
    pub field: &'static str,
    /// The least that is allowed.
    pub least: f64,
    /// The most that is allowed.
    pub most: f64,
}

/// Bounds of `framesPerSecond`; those of the settings page of the system that this one replaces, as are the others.
pub const FRAMES_PER_SECOND: (f64, f64) = (0.1, 3.0);
/// Bounds of `maxFrames`.
pub const MAX_FRAMES: (u32, u32) = (20, 300);
/// Bounds of `sceneThreshold`.
pub const SCENE_THRESHOLD: (f64, f64) = (0.1, 0.5);

impl SamplingPreset {
    /// The values that the name stands for.
    pub const fn sampling(self) -> Sampling {
        let (frames_per_second, max_frames, scene_threshold) = match self {
            Self::Quick => (0.33, 50, 0.3),
            Self::Standard | Self::Custom => (1.0, 120, 0.2),
            Self::Detailed => (2.0, 200, 0.15),
            Self::Forensic => (3.0, 300, 0.1),
        };
        Sampling {
            frames_per_second,
            max_frames,
            scene_threshold,
        }
    }
}

/// The preset and values to store for what a caller asked: a preset's values with some replaced.
///
/// The preset stays what it was only while its values do: with a value replaced it is CUSTOM. Without a preset and without
/// values it is STANDARD.
pub fn resolve(
    preset: Option<SamplingPreset>,
    overrides: Overrides,
) -> Result<(SamplingPreset, Sampling), OutOfBounds> {
    let preset = preset.unwrap_or(SamplingPreset::Standard);
    let base = preset.sampling();
    let sampling = Sampling {
        frames_per_second: bounded(
            "framesPerSecond",
            overrides.frames_per_second.unwrap_or(base.frames_per_second),
            FRAMES_PER_SECOND,
        )?,
        max_frames: bounded(
            "maxFrames",
            overrides.max_frames.map_or(f64::from(base.max_frames), |n| n as f64),
            (f64::from(MAX_FRAMES.0), f64::from(MAX_FRAMES.1)),
        )? as u32,
        scene_threshold: bounded(
            "sceneThreshold",
            overrides.scene_threshold.unwrap_or(base.scene_threshold),
            SCENE_THRESHOLD,
        )?,
    };
    let preset = if sampling == base {
        preset
    } else {
        SamplingPreset::Custom
    };
    Ok((preset, sampling))
}

fn bounded(field: &'static str, value: f64, (least, most): (f64, f64)) -> Result<f64, OutOfBounds> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(OutOfBounds { field, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_keeps_the_bounds() {
        for preset in SamplingPreset::ALL {
            assert_eq!(
                resolve(Some(*preset), Overrides::default()),
                Ok((*preset, preset.sampling()))
            );
        }
        assert_eq!(
            resolve(None, Overrides::default()),
            Ok((SamplingPreset::Standard, SamplingPreset::Standard.sampling()))
        );
    }

    #[test]
    fn a_replaced_value_makes_it_custom() {
        let overrides = Overrides {
            max_frames: Some(80),
            ..Overrides::default()
        };
        let (preset, sampling) = resolve(Some(SamplingPreset::Detailed), overrides).unwrap();
        assert_eq!(preset, SamplingPreset::Custom);
        assert_eq!(
            sampling,
            Sampling {
                frames_per_second: 2.0,
                max_frames: 80,
                scene_threshold: 0.15
            }
        );
    }

    #[test]
    fn a_value_out_of_bounds_names_its_field() {
        let cases = [
            (
                Overrides {
                    frames_per_second: Some(3.01),
                    ..Overrides::default()
                },
                "framesPerSecond must be between 0.1 and 3",
            ),
            (
                Overrides {
                    frames_per_second: Some(f64::NAN),
                    ..Overrides::default()
                },
                "framesPerSecond must be between 0.1 and 3",
            ),
            (
                Overrides {
                    max_frames: Some(-1),
                    ..Overrides::default()
                },
                "maxFrames must be between 20 and 300",
            ),
            (
                Overrides {
                    scene_threshold: Some(0.0),
                    ..Overrides::default()
                },
                "sceneThreshold must be between 0.1 and 0.5",
            ),
        ];
        for (overrides, message) in cases {
            assert_eq!(resolve(None, overrides).unwrap_err().to_string(), message);
        }
    }
}
