//! A real browser without a window, told what to do by WebDriver (<https://www.w3.org/TR/webdriver2/>).
//!
//! The protocol is JSON over HTTP to a program of our own on this machine, so a client for what the tests need is shorter
//! than the list of what a library would bring.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod looks;

use std::future::Future;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::server::locate;
use super::{Scratch, Skip};

/// How long a page may take to become what is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// No window, no services of the vendor's, and nothing of another run.
const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    port: u16,
    session: String,
    _driver: Child,
    _profile: Scratch,
}

/// A key that has no letter, as WebDriver names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Tabulator: to the next element that takes the focus.
    Tab,
    /// Arrow down.
    Down,
}

impl Key {
    /// The sign that stands for it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Enter => "\u{E007}",
            Self::Escape => "\u{E00C}",
            Self::Tab => "\u{E004}",
            Self::Down => "\u{E015}",
        }
    }
}

impl Browser {
    /// Whether [`Browser::start`] has a program to start.
    pub fn is_installed() -> bool {
        locate::program("chromedriver").is_some()
    }

    /// Starts one.
    ///
    /// # Errors
    ///
    /// A skip if there is no chromedriver.
    ///
    /// # Panics
    ///
    /// When it is there but does not work.
    pub async fn start() -> Result<Self, Skip> {
        let program = locate::program("chromedriver")
            .ok_or_else(|| Skip::new("no browser is installed (chromium, chromium-driver)"))?;
        let profile = Scratch::new().unwrap();
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let port = port(&mut driver).await;
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<_> = ARGUMENTS.iter().copied().chain([folder.as_str()]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
        }}});
        let session = call(port, "POST", "/session", &wanted).await.unwrap();
        let session = session["sessionId"].as_str().unwrap().to_owned();
        Ok(Self {
            port,
            session,
            _driver: driver,
            _profile: profile,
        })
    }

    /// Runs `story` and closes the browser, whatever happens.
    ///
    /// # Panics
    ///
    /// When the story does.
    pub async fn play<Fut>(self, story: impl FnOnce(std::sync::Arc<Self>) -> Fut)
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        let browser = std::sync::Arc::new(self);
        let ended = tokio::spawn(story(std::sync::Arc::clone(&browser))).await;
        let session = format!("/session/{}", browser.session);
        let closed = call(browser.port, "DELETE", &session, &json!({})).await;
        if let Err(error) = ended {
            std::panic::resume_unwind(error.into_panic());
        }
        closed.unwrap();
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.tell("POST", "url", &json!({ "url": url })).await;
    }

    /// What `script`, the body of a function, returns.
    pub async fn run(&self, script: &str) -> Value {
        self.tell(
            "POST",
            "execute/sync",
            &json!({ "script": script, "args": [] }),
        )
        .await
    }

    /// Waits until the expression is true.
    ///
    /// # Panics
    ///
    /// When it does not become so.
    pub async fn wait(&self, expression: &str) {
        let began = Instant::now();
        let script = json!({ "script": format!("return Boolean({expression})"), "args": [] });
        // A page that is just left for another one cannot be asked: that is not yet.
        while self.attempt("POST", "execute/sync", &script).await != Ok(json!(true)) {
            let page = "return document.body.innerText.slice(0, 2000)";
            assert!(
                began.elapsed() < PATIENCE,
                "never true: {expression}\n{}",
                self.run(page).await
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Types into whatever has the focus.
    pub async fn press(&self, keys: &str) {
        let presses: Vec<_> = keys
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        let actions =
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": presses }] });
        self.tell("POST", "actions", &actions).await;
    }

    /// Gives the page that much room, and a light or dark scheme.
    pub async fn resize(&self, width: u32, height: u32, dark: bool) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        for (command, parameters) in [
            ("Emulation.setDeviceMetricsOverride", size),
            ("Emulation.setEmulatedMedia", media),
        ] {
            let body = json!({ "cmd": command, "params": parameters });
            self.tell("POST", "goog/cdp/execute", &body).await;
        }
    }

    async fn tell(&self, method: &str, command: &str, body: &Value) -> Value {
        let answer = self.attempt(method, command, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {command}: {error}"))
    }

    /// A command; its value, or the driver's error.
    async fn attempt(&self, method: &str, command: &str, body: &Value) -> Result<Value, Value> {
        let path = format!("/session/{}/{command}", self.session);
        call(self.port, method, &path, body).await
    }
}

/// The port that the driver says it chose.
async fn port(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end_matches('.').parse().unwrap();
            // Nobody reads on; its pipe must not fill.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return port;
        }
    }
    panic!("chromedriver ended without a port");
}

/// One call; its value, or the error that stands in its place.
async fn call(port: u16, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.unwrap();
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    // The driver may keep the connection open.
    reader.take(length).read_to_end(&mut answer).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let value = answer["value"].clone();
    match value["error"].is_null() {
        true => Ok(value),
        false => Err(value),
    }
}
