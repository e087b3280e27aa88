//! The page in a real browser, over the demo: by keyboard, on a narrow screen, with hostile texts, in both schemes.
use std::path::PathBuf;

use entourage::{Database, inspector::Inspector, prelude::*};
use entourage_tests::{
    inspection::Stage,
    require,
    setup::browser::{Browser, Key},
};
use tokio::net::TcpListener;

fn screenshot(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into());
    target.join("screenshots").join(name)
}

/// The demo, and where it is.
async fn demo() -> String {
    let db = inspector_demo::database("sqlite::memory:").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(inspector_demo::serve(listener, db));
    address
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_n_plus_one_is_found_and_opened_by_keyboard_and_its_fix_is_shown() {
    let browser = require!(Browser::start().await);
    let address = demo().await;
    browser
        .play(async move |browser| {
            browser.resize(1280, 860, false).await;
            for path in [
                "/authors",
                "/report",
                "/books/3/lend",
                "/authors/7",
                "/authors/slowly",
            ] {
                browser.open(&format!("{address}{path}")).await;
            }
            // Without the slash: it leads there.
            browser.open(&format!("{address}/inspector")).await;
            browser
                .wait("document.querySelector('.requests .badge.bad')")
                .await;
            assert_eq!(browser.run("return location.pathname").await, "/inspector/");
            // The browser has asked for an icon too.
            let rows = "document.querySelectorAll('.requests tbody tr').length";
            let before = browser.run(&format!("return {rows}")).await;
            assert!(before.as_u64() >= Some(5), "{before}");
            browser.screenshot(&screenshot("inspector-list.png")).await;
            assert_eq!(browser.run(FAINT).await, "");

            // Live: a request that ends meanwhile appears.
            browser.run(&format!("fetch('{address}/authors/8')")).await;
            browser.wait(&format!("{rows} > {before}")).await;
            browser.press("/").await;
            browser.press("slowly").await;
            browser
                .wait("document.querySelectorAll('.requests tbody tr:not([hidden])').length === 1")
                .await;
            browser.press(Key::Down.sign()).await;
            browser.wait("document.activeElement.matches('tr')").await;
            browser.press(Key::Enter.sign()).await;
            browser
                .wait("document.querySelector('[data-kind=n_plus_one] .fix')")
                .await;
            let fix = browser
                .run("return document.querySelector('[data-kind=n_plus_one] .fix').innerText")
                .await;
            assert!(
                fix.as_str().unwrap().contains("add .with(Author::BOOKS)"),
                "{fix}"
            );
            assert_eq!(
                browser
                    .run("return document.querySelectorAll('.waterfall li').length")
                    .await,
                25
            );
            browser
                .screenshot(&screenshot("inspector-request.png"))
                .await;
            assert_eq!(browser.run(FAINT).await, "");

            browser
                .run("document.querySelector('.waterfall button').click()")
                .await;
            browser.wait("document.getElementById('drawer').open").await;
            browser
                .run("document.querySelector('[data-how=explain]').click()")
                .await;
            browser
                .wait("document.querySelector('pre.plan')?.textContent.includes('SCAN authors')")
                .await;
            assert_eq!(
                browser
                    .run("return document.querySelector('[data-how=analyze]').disabled")
                    .await,
                true
            );
            browser
                .screenshot(&screenshot("inspector-statement.png"))
                .await;
            browser.press(Key::Escape.sign()).await;
            browser
                .wait("!document.getElementById('drawer').open")
                .await;
            browser.resize(1280, 860, true).await;
            browser
                .screenshot(&screenshot("inspector-request-dark.png"))
                .await;
            assert_eq!(browser.run(FAINT).await, "");
            browser.press(Key::Escape.sign()).await;
            browser.wait("document.querySelector('.requests')").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_fits_a_narrow_screen_and_has_enough_contrast() {
    let browser = require!(Browser::start().await);
    let address = demo().await;
    browser
        .play(async move |browser| {
            for path in ["/authors/slowly", "/books/3/lend"] {
                browser.open(&format!("{address}{path}")).await;
            }
            browser.open(&format!("{address}/inspector/")).await;
            // What finds faint texts finds one.
            browser.wait("document.querySelector('.count')").await;
            browser
                .run("document.querySelector('.count').style.color = '#999'")
                .await;
            assert!(
                browser
                    .run(FAINT)
                    .await
                    .as_str()
                    .unwrap()
                    .starts_with("count ")
            );
            browser
                .run("document.querySelector('.count').style.color = ''")
                .await;
            for (name, hash, is_there) in [
                ("list", "#/requests", ".requests tbody tr"),
                ("request", "#/requests/1", ".verdict"),
                ("statements", "#/statements", ".groups tbody tr"),
                ("pools", "#/pools", ".gauge"),
                ("caches", "#/caches", ".gauge"),
                ("prepared", "#/prepared", ".gauge"),
            ] {
                browser.run(&format!("location.hash = '{hash}'")).await;
                browser
                    .wait(&format!("document.querySelector('main {is_there}')"))
                    .await;
                for (scheme, dark) in [("light", false), ("dark", true)] {
                    browser.resize(360, 760, dark).await;
                    let page = "document.documentElement";
                    let beyond = format!("return {page}.scrollWidth - {page}.clientWidth");
                    assert_eq!(browser.run(&beyond).await, 0, "{name}");
                    assert_eq!(browser.run(FAINT).await, "", "{name}, {scheme}");
                    browser
                        .screenshot(&screenshot(&format!(
                            "inspector-narrow-{name}-{scheme}.png"
                        )))
                        .await;
                }
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_texts_are_shown_and_not_run() {
    const HOSTILE: &str = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>";
    let browser = require!(Browser::start().await);
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let inspector = Inspector::new(&db).enable().authorize(|_| true);
    let stage = Stage::new(inspector.clone());
    let inner = db.clone();
    let work = async move {
        let sql = format!("SELECT 1 AS \"{HOSTILE}\"");
        inner.sql(&sql, args![]).fetch::<(i64,)>().await.unwrap();
        let sql = format!("SELECT \"{HOSTILE}\" FROM nowhere");
        inner.sql(&sql, args![]).execute().await.unwrap_err();
    };
    stage.play("/%3Cscript%3E", work).await;
    // The service alone, on a server that knows no router.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(inspector_demo::serve_inspector(listener, inspector));
    browser
        .play(async move |browser| {
            browser.open(&address).await;
            for (hash, is_there) in [
                ("#/requests", ".requests tbody tr"),
                ("#/requests/1/0", "dialog[open] pre"),
                ("#/requests/1/1", "dialog[open] .failure"),
                ("#/statements", ".groups tbody tr"),
            ] {
                browser.run(&format!("location.hash = '{hash}'")).await;
                browser.wait(&format!("document.querySelector('{is_there}')")).await;
                assert_eq!(browser.run("return window.pwned === undefined").await, true, "{hash}");
                assert_eq!(browser.run("return document.querySelectorAll('main img, dialog img').length").await, 0);
            }
            let shown = browser.run("return document.querySelector('main').innerText").await;
            assert!(shown.as_str().unwrap().contains("<img src=x"), "{shown}");
            // Even what is inserted by other means is not run: the policy forbids it.
            browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.pwned=1\">')").await;
            browser.run("const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s)").await;
            assert_eq!(browser.run("return window.pwned === undefined").await, true);
        })
        .await;
}
