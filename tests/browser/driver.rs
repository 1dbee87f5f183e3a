//! A browser without a window, driven over its debugging pipe (Chrome DevTools Protocol): messages of JSON, each ended by a
//! zero byte.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Says that no browser is wanted.
const SKIP: &str = "QUERIST_NO_BROWSER";
/// How long a page may take to show what it should, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(60);

/// A page in a browser.
pub struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    calls: u64,
    page: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts one with an empty page; none if nobody wants one.
    pub fn start() -> Option<Self> {
        if std::env::var_os(SKIP).is_some_and(|skip| !skip.is_empty()) {
            eprintln!("{SKIP} is set: the page is looked at in no browser");
            return None;
        }
        let named = std::env::var("QUERIST_BROWSER").ok().filter(|named| !named.is_empty());
        let on_path = |name: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
        };
        let found = named.or_else(|| BROWSERS.iter().find(|name| on_path(name)).map(|name| name.to_string()));
        let program = found
            .unwrap_or_else(|| panic!("no browser: install chromium, or set {SKIP}=1 to skip this test"));
        let profile = tempfile::tempdir().unwrap();
        // The browser reads from descriptor 3 and writes to 4.
        let mut child = Command::new("bash")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null", &program])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self { child, input, output, calls: 0, page: String::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"].clone(), "flatten": true }),
        );
        browser.page = attached["sessionId"].as_str().unwrap().to_string();
        Some(browser)
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": parameters });
        if !self.page.is_empty() {
            message["sessionId"] = json!(self.page);
        }
        self.input.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            assert!(self.output.read_until(0, &mut bytes).unwrap() > 0, "the browser has gone");
            bytes.pop();
            let answer: Value = serde_json::from_slice(&bytes).unwrap();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Opens an address anew, even if another fragment is all that differs.
    pub fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.call("Page.navigate", json!({ "url": url }));
    }

    pub fn reload(&mut self) {
        self.call("Page.reload", json!({}));
    }

    pub fn press(&mut self, key: &str) {
        // Keys with a name of several letters, such as Enter, write nothing.
        let text = if key.chars().count() == 1 { key } else { "" };
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyDown", "key": key, "text": text }));
        self.call("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }));
    }

    pub fn resize(&mut self, width: u32) {
        let size = json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    pub fn dark(&mut self) {
        let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Result<Value, String> {
        let result =
            self.call("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true }));
        match result.get("exceptionDetails") {
            None => Ok(result["result"]["value"].clone()),
            Some(details) => Err(details.to_string()),
        }
    }

    pub fn text(&mut self, expression: &str) -> String {
        self.value(expression)
            .unwrap()
            .as_str()
            .unwrap_or_else(|| panic!("{expression} is no text"))
            .to_string()
    }

    pub fn number(&mut self, expression: &str) -> usize {
        let value = self.value(expression).unwrap();
        value.as_u64().unwrap_or_else(|| panic!("{expression} is {value}")) as usize
    }

    /// Waits until an expression is true; until then it may fail, as the page is still loading.
    pub fn wait(&mut self, expression: &str) {
        let (started, condition) = (Instant::now(), format!("Boolean({expression})"));
        while self.value(&condition) != Ok(json!(true)) {
            if started.elapsed() > PATIENCE {
                let page = self.value("document.body.innerText");
                panic!("not within {PATIENCE:?}: {expression}; the page shows {page:?}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
