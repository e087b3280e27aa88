//! How a page looks: its picture, and what would keep people from reading it.

use std::path::PathBuf;

use serde_json::Value;

use super::Browser;

/// Texts whose contrast with what is behind them is less than WCAG's AA asks for (4.5, large texts 3).
const FAINT: &str = r#"
const rgb = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
const light = ({ r, g, b }) => [r, g, b].map((one) => { const part = one / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; })
  .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
const behind = (node) => { for (; node; node = node.parentElement) { const back = rgb(getComputedStyle(node).backgroundColor); if (back.a > 0.99) return back; } return { r: 255, g: 255, b: 255 }; };
const faint = [];
for (const node of document.querySelectorAll("body *")) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
  if (!own || !node.offsetParent || node.closest(":disabled, svg, .skip, .sr")) continue;
  const style = getComputedStyle(node);
  const [one, two] = [light(rgb(style.color)), light(behind(node))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (two + 0.05);
  if (ratio < (parseFloat(style.fontSize) >= 24 ? 3 : 4.5)) faint.push(`${node.className || node.tagName} ${node.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
}
return faint.join("\n");
"#;

/// What people who do not see the page are told too little of.
const UNNAMED: &str = r#"
const unnamed = [];
const name = (node) => node.getAttribute("aria-label") || [...(node.labels || [])].map((label) => label.textContent).join("") || node.textContent;
for (const node of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")) {
  if (!name(node).trim()) unnamed.push(node.outerHTML.slice(0, 80));
}
if (!document.documentElement.lang) unnamed.push("the page has no language");
if (!document.title) unnamed.push("the page has no title");
for (const one of ["main", "h1"]) {
  if (document.querySelectorAll(one).length !== 1) unnamed.push(`the page has ${document.querySelectorAll(one).length} of ${one}`);
}
for (const node of document.querySelectorAll("img:not([alt])")) unnamed.push(node.outerHTML.slice(0, 80));
return unnamed.join("\n");
"#;

/// How far the page is wider than the window.
const BEYOND: &str =
    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

impl Browser {
    /// Texts that are hard to read for want of contrast, a line each.
    pub async fn faint_texts(&self) -> String {
        self.lines(FAINT).await
    }

    /// Links, buttons and fields without a name, and what else a screen reader misses, a line each.
    pub async fn unnamed_parts(&self) -> String {
        self.lines(UNNAMED).await
    }

    /// How many pixels of the page are beside the window.
    pub async fn overflow(&self) -> Value {
        self.run(BEYOND).await
    }

    /// Leaves a picture of what is to be seen in `target/screenshots`, by this name.
    pub async fn screenshot(&self, name: &str) {
        let picture = self.tell("GET", "screenshot", &Value::Null).await;
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        let bytes = decode(picture.as_str().unwrap());
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    async fn lines(&self, script: &str) -> String {
        self.run(script).await.as_str().unwrap().to_owned()
    }
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into());
    target.join("screenshots")
}

/// Base64, which is what pictures come in.
fn decode(text: &str) -> Vec<u8> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for sign in text.bytes() {
        let Some(value) = SIGNS.iter().position(|known| *known == sign) else {
            continue;
        };
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn pictures_are_decoded() {
        assert_eq!(super::decode("aGVsbG8sIHdvcmxkIQ=="), b"hello, world!");
    }
}
