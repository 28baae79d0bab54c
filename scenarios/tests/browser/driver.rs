//! A browser, over the WebDriver protocol: chromedriver, and just enough HTTP to speak with it.
#![expect(clippy::disallowed_methods, reason = "where the browser is")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Headless Chromium with a page in it.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    /// Its profile: gone with it.
    _profile: tempfile::TempDir,
}

/// Where Debian has them, or what these variables say.
fn program(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_string())
}

impl Browser {
    /// Starts one. `None`: there is no browser on this machine, and it has been said that the test is skipped.
    pub fn start(test: &str) -> Option<Browser> {
        let driver = program("CHROMEDRIVER", "/usr/bin/chromedriver");
        let browser = program("CHROMIUM", "/usr/bin/chromium");
        for file in [&driver, &browser] {
            if !std::path::Path::new(file).exists() {
                eprintln!("SKIPPED: {test}: there is no {file} (Debian: apt-get install chromium chromium-driver)");
                return None;
            }
        }
        let mut child = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let port = loop {
            let line = lines.next().expect("chromedriver says its port").expect("it is text");
            if let Some(port) = line.strip_prefix("ChromeDriver was started successfully on port ") {
                break port.trim_end_matches('.').parse().expect("a port is a number");
            }
        };
        // What it says from now on is read away, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().expect("there is room for a profile");
        let mut browser_of = Browser { driver: child, port, session: String::new(), _profile: profile };
        let profile = browser_of._profile.path().display().to_string();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            &format!("--user-data-dir={profile}"),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": browser, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser_of.call("POST", "/session", &wanted);
        browser_of.session = session["sessionId"].as_str().expect("a session has an id").to_string();
        Some(browser_of)
    }

    /// A request to chromedriver; its value.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("chromedriver listens");
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout can be set");
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("it reads");
        let mut answer = Vec::new();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("it answers");
            let line = line.trim();
            if line.is_empty() {
                break;
            }
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().expect("a length is a number");
            }
        }
        reader.take(length).read_to_end(&mut answer).expect("it answers");
        let answer: Value = serde_json::from_slice(&answer).expect("it answers in JSON");
        let value = answer["value"].clone();
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), &body)
    }

    /// Opens a page, and waits until its script is done.
    pub fn open(&self, url: &str) {
        self.post("/url", json!({"url": url}));
        if url.starts_with("file:") {
            assert_eq!(self.run("return document.body.dataset.ready"), "yes", "{url}: {:?}", self.complaints());
        }
    }

    /// Runs a script in the page; what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([]))
    }

    pub fn run_with(&self, script: &str, arguments: Value) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": arguments}))
    }

    /// Presses keys, one after the other; a key is a letter, or a name of [`key`].
    pub fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|what| json!({"type": what, "value": self::key(key)})))
            .collect();
        self.post("/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Makes the page so large, light or dark, and lets it draw.
    pub fn resize(&self, width: u32, height: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.chrome("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.chrome("Emulation.setEmulatedMedia", features);
        self.post(
            "/execute/async",
            json!({"script": "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))", "args": []}),
        );
    }

    fn chrome(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters}))
    }

    /// What is seen, as a PNG in base64.
    pub fn screenshot(&self) -> String {
        let value = self.call("GET", &format!("/session/{}/screenshot", self.session), &Value::Null);
        value.as_str().expect("a picture is text in base64").to_string()
    }

    /// What the page has complained about since this was last asked.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", json!({"type": "browser"}));
        let entries = log.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.call("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

/// A key as the protocol has it.
fn key(name: &str) -> &str {
    match name {
        "Left" => "\u{e012}",
        "Right" => "\u{e014}",
        "Home" => "\u{e011}",
        "End" => "\u{e010}",
        "Enter" => "\u{e007}",
        "Escape" => "\u{e00c}",
        letter => letter,
    }
}
