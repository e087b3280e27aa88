//! The page in a real browser, over the demo: by keyboard, on a narrow screen, with hostile texts, in both schemes.
use entourage::{Database, inspector::Inspector, prelude::*};
use entourage_tests::{
    inspection::Stage,
    require,
    setup::browser::{Browser, Key},
};
use tokio::net::TcpListener;

/// The demo, and where it is.
async fn demo() -> String {
    let db = inspector_demo::database("sqlite::memory:").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(inspector_demo::serve(listener, db));
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_n_plus_one_is_found_and_opened_by_keyboard_and_its_fix_is_shown() {
    let browser = require!(Browser::start().await);
    let address = demo().await;
    browser
        .play(async move |browser| {
            browser.resize(1280, 860, false).await;
            for path in [
                "/authors",
                "/authors/kept",
                "/authors/kept",
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
            assert!(before.as_u64() >= Some(7), "{before}");
            // How much of each request the result cache answered: nothing at first, then all of it.
            let kept = "[...document.querySelectorAll('.requests tbody tr')].filter((row) => row.innerText.includes('kept'))";
            let rates = format!("return {kept}.map((row) => row.querySelector('[data-label=Cache]').innerText).join()");
            assert_eq!(browser.run(&rates).await, "100 %,0 %");
            browser.screenshot("inspector-list.png").await;
            assert_eq!(browser.faint_texts().await, "");

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
            browser.screenshot("inspector-request.png").await;
            assert_eq!(browser.faint_texts().await, "");

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
            browser.screenshot("inspector-statement.png").await;
            browser.press(Key::Escape.sign()).await;
            browser
                .wait("!document.getElementById('drawer').open")
                .await;
            browser.resize(1280, 860, true).await;
            browser.screenshot("inspector-request-dark.png").await;
            assert_eq!(browser.faint_texts().await, "");
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
            for path in [
                "/authors/slowly",
                "/authors/kept",
                "/authors/kept",
                "/books/3/lend",
            ] {
                browser.open(&format!("{address}{path}")).await;
            }
            browser.open(&format!("{address}/inspector/")).await;
            // What finds faint texts finds one.
            browser.wait("document.querySelector('.count')").await;
            browser
                .run("document.querySelector('.count').style.color = '#999'")
                .await;
            assert!(browser.faint_texts().await.starts_with("count "));
            browser
                .run("document.querySelector('.count').style.color = ''")
                .await;
            for (name, hash, is_there) in [
                ("list", "#/requests", ".requests tbody tr"),
                ("request", "#/requests/1", ".verdict.bad"),
                ("statements", "#/statements", ".groups tbody tr"),
                ("pools", "#/pools", ".gauge"),
                ("caches", "#/caches", ".card + .card .gauge"),
                ("prepared", "#/prepared", ".gauge"),
            ] {
                browser.run(&format!("location.hash = '{hash}'")).await;
                browser
                    .wait(&format!("document.querySelector('main {is_there}')"))
                    .await;
                for (scheme, dark) in [("light", false), ("dark", true)] {
                    browser.resize(360, 760, dark).await;
                    assert_eq!(browser.overflow().await, 0, "{name}");
                    assert_eq!(browser.faint_texts().await, "", "{name}, {scheme}");
                    browser
                        .screenshot(&format!("inspector-narrow-{name}-{scheme}.png"))
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
