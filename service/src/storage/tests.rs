//! A folder as storage: what is written, read back and deleted.

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use sha2::{Digest, Sha256};

use super::{PutError, Storage, Stored};
use crate::error::Error;

fn expected(bytes: &[u8]) -> Stored {
    Stored {
        bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

fn pieces(pieces: &[&'static [u8]]) -> impl Stream<Item = std::io::Result<Bytes>> + Send + use<> {
    stream::iter(
        pieces
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece)))
            .collect::<Vec<_>>(),
    )
}

#[tokio::test]
async fn only_the_announced_bytes_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::folder(folder.path()).unwrap();
    let announced = expected(b"hello world");
    assert!(matches!(
        storage.put_expected("a", &announced, pieces(&[b"hello"])).await,
        Err(PutError::Mismatch { .. })
    ));
    assert!(matches!(
        storage.put_expected("a", &announced, pieces(&[b"hello world!"])).await,
        Err(PutError::TooLarge { limit: 11 })
    ));
    let broken = pieces(&[b"hello"]).chain(stream::iter([Err(std::io::Error::other("gone"))]));
    assert!(matches!(
        storage.put_expected("a", &announced, broken).await,
        Err(PutError::Source(_))
    ));
    assert_eq!(storage.inspect("a").await.unwrap(), None);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left behind"
    );
    storage
        .put_expected("a", &announced, pieces(&[b"hello ", b"world"]))
        .await
        .unwrap();
    assert_eq!(storage.inspect("a").await.unwrap(), Some(announced));
}

#[tokio::test]
async fn chunks_are_appended_in_order_and_prefixes_deleted_whole() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::folder(folder.path()).unwrap();
    for (key, bytes) in [
        ("s/chunks/1", b"b".as_slice()),
        ("s/chunks/0", b"a"),
        ("t/chunks/0", b"x"),
    ] {
        storage.put(key, Bytes::from_static(bytes)).await.unwrap();
    }
    let file = folder.path().join("whole");
    let bytes = storage
        .append_to_file(&["s/chunks/0".into(), "s/chunks/1".into()], &file)
        .await
        .unwrap();
    assert_eq!((bytes, std::fs::read(&file).unwrap()), (2, b"ab".to_vec()));
    assert_eq!(storage.delete_prefix("s").await.unwrap(), (2, 2));
    assert!(matches!(
        storage.append_to_file(&["s/chunks/0".into()], &file).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(
        storage.inspect("t/chunks/0").await.unwrap().map(|stored| stored.bytes),
        Some(1)
    );
    storage.probe().await.unwrap();
}
