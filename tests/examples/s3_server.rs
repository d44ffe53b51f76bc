//! `s3_server FOLDER`: a server of the S3 protocol for `./dev bench upload`. Prints its address, and ends with its standard input.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let beneath = std::env::args().nth(1).unwrap_or_else(|| "/tmp".to_owned());
    let server = tests::s3::S3Server::start(std::path::Path::new(&beneath)).await?;
    println!("{}", server.endpoint);
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}
