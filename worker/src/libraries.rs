//! Which video libraries this process runs with: they belong to the system and change under the program.

/// The oldest release that the decoder is tested with, by the major number of its codec library: FFmpeg 5.
pub const OLDEST_CODEC: u32 = 59;

/// A library of FFmpeg and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// Its name, as packages have it.
    pub name: &'static str,
    /// Major, minor and micro.
    pub version: (u32, u32, u32),
}

/// The libraries, as they are at run time.
pub fn libraries() -> [Library; 4] {
    let library = |name, version: u32| Library {
        name,
        version: (version >> 16, version >> 8 & 0xff, version & 0xff),
    };
    [
        library("libavutil", ffmpeg_next::util::version()),
        library("libavcodec", ffmpeg_next::codec::version()),
        library("libavformat", ffmpeg_next::format::version()),
        library("libswscale", ffmpeg_next::software::scaling::version()),
    ]
}

#[cfg(test)]
mod tests {
    use super::{OLDEST_CODEC, libraries};

    #[test]
    fn the_libraries_are_there_and_not_too_old() {
        let libraries = libraries();
        assert!(libraries.iter().all(|library| library.version.0 > 0), "{libraries:?}");
        assert!(libraries[1].version.0 >= OLDEST_CODEC, "{libraries:?}");
    }
}
