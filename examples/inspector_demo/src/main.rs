//! `cargo run -p inspector_demo`, then look at <http://127.0.0.1:3000> and <http://127.0.0.1:3000/inspector/>.
//!
//! With a URL as its argument it runs on that database; the tables are made anew.
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1);
    let db = inspector_demo::database(url.as_deref().unwrap_or("sqlite::memory:")).await?;
    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(&address).await?;
    println!("http://{address}/ and http://{address}/inspector/");
    inspector_demo::serve(listener, db).await?;
    Ok(())
}
