//! The pages in a real browser: by mouse, by keyboard, on a narrow screen; and an N+1 found and mended by the inspector.
mod demo;

use axum::Router;
use conduit::seed;
use entourage_tests::{
    require,
    setup::{
        self,
        browser::{Browser, Key},
    },
};

use crate::client::Client;

/// The application with its demo data.
async fn client() -> Client {
    let database = setup::sqlite().await.unwrap();
    let client = Client::on(database).await;
    seed::demo(&client.app).await.unwrap();
    client
}

/// Somebody at a browser.
struct Reader {
    browser: std::sync::Arc<Browser>,
    address: String,
}

impl Reader {
    async fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.address)).await;
    }

    /// Clicks on the first link or button with this text.
    async fn click(&self, text: &str) {
        let found = format!(
            "[...document.querySelectorAll('a, button')].find((one) => one.textContent.trim() === {text:?})"
        );
        self.browser.wait(&found).await;
        self.browser.run(&format!("{found}.click()")).await;
    }

    /// Types into the field of this name, instead of what is there.
    async fn fill(&self, field: &str, text: &str) {
        let field = format!("document.querySelector('main [name={field}]')");
        self.browser.wait(&field).await;
        let focus = format!("const field = {field}; field.focus(); field.select();");
        self.browser.run(&focus).await;
        self.browser.press(text).await;
    }

    /// Waits until the page says so.
    async fn sees(&self, text: &str) {
        let seen = format!("document.body.innerText.includes({text:?})");
        self.browser.wait(&seen).await;
    }

    async fn is_at(&self, path: &str) {
        let there = format!("location.pathname === {path:?}");
        self.browser.wait(&there).await;
    }

    async fn sign_in(&self, name: &str) {
        self.open("/login").await;
        self.fill("email", &format!("{name}@example.org")).await;
        self.fill("password", "password").await;
        self.browser.press(Key::Enter.sign()).await;
        self.sees("Sign out").await;
    }

    /// Goes on by the tabulator until what matches has the focus, which is always to be seen.
    async fn tab_to(&self, selector: &str) {
        const MOST: usize = 60;
        for _ in 0..MOST {
            self.browser.press(Key::Tab.sign()).await;
            let outline = "const style = getComputedStyle(document.activeElement); \
                 return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2";
            let what = "return document.activeElement.outerHTML.slice(0, 120)";
            let focused = self.browser.run(what).await;
            assert_eq!(self.browser.run(outline).await, true, "{focused}");
            let found = format!("return document.activeElement.matches({selector:?})");
            if self.browser.run(&found).await == true {
                return;
            }
        }
        panic!("{selector} is not reached by {MOST} tabulators");
    }

    /// Nothing on the page is hard to read, without a name, or beside the window.
    async fn finds_it_readable(&self, page: &str) {
        assert_eq!(self.browser.overflow().await, 0, "{page}");
        assert_eq!(self.browser.faint_texts().await, "", "{page}");
        assert_eq!(self.browser.unnamed_parts().await, "", "{page}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_signs_in_and_publishes_and_another_comments_and_likes() {
    let browser = require!(Browser::start().await);
    let client = client().await;
    let address = client.serve(Router::new()).await;
    browser
        .play(async move |browser| {
            let reader = Reader { browser, address };
            reader.browser.resize(1280, 860, false).await;
            reader.open("/").await;
            reader.sees("Keep the log book").await;
            reader.finds_it_readable("home").await;
            reader.browser.screenshot("conduit-home.png").await;
            reader.click("Sign in").await;
            reader.is_at("/login").await;
            reader.finds_it_readable("sign in").await;
            reader.browser.screenshot("conduit-sign-in.png").await;
            reader.fill("email", "ada@example.org").await;
            reader.fill("password", "wrong").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.sees("credentials are invalid").await;
            reader.finds_it_readable("wrong password").await;
            reader.fill("password", "password").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.sees("Sign out").await;

            reader.click("Write").await;
            reader.is_at("/editor").await;
            reader.fill("title", "A card for every leaf").await;
            reader
                .fill(
                    "description",
                    "What the weaver and the clerk have in common.",
                )
                .await;
            reader
                .fill(
                    "body",
                    "The loom reads one card at a time.\n\nSo does the clerk, and both are right.",
                )
                .await;
            reader.fill("tags", "history, looms").await;
            reader.finds_it_readable("editor").await;
            reader.browser.screenshot("conduit-editor.png").await;
            reader.click("Publish").await;
            reader.is_at("/article/a-card-for-every-leaf").await;
            reader.sees("So does the clerk").await;
            // A new tag is offered at once, though the tags are kept.
            reader.open("/").await;
            reader.click("looms").await;
            reader.sees("A card for every leaf").await;
            reader.click("Sign out").await;
            reader.sees("Sign up").await;

            reader.sign_in("grace").await;
            reader.open("/article/a-card-for-every-leaf").await;
            let likes = "document.querySelector('[aria-pressed]')";
            reader
                .browser
                .wait(&format!("{likes}.ariaPressed === 'false'"))
                .await;
            reader.browser.run(&format!("{likes}.click()")).await;
            reader
                .browser
                .wait(&format!(
                    "{likes}?.ariaPressed === 'true' && {likes}.innerText.includes('1')"
                ))
                .await;
            reader.fill("body", "I keep a moth on one of mine.").await;
            reader.click("Post comment").await;
            reader
                .browser
                .wait("document.querySelector('.comment .body')")
                .await;
            reader.sees("I keep a moth on one of mine.").await;
            reader.finds_it_readable("article").await;
            reader.browser.screenshot("conduit-article.png").await;
            reader.open("/profile/grace?favorites=own").await;
            reader.sees("A card for every leaf").await;
            reader.finds_it_readable("profile").await;
            reader.browser.screenshot("conduit-profile.png").await;
        })
        .await;
    // It was shown when it was published, when it was opened, and after the like and the comment.
    client.app.views.flush().await.unwrap();
    let views = crate::views::written(&client, "a-card-for-every-leaf").await;
    assert_eq!(views, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_can_be_done_by_keyboard() {
    let browser = require!(Browser::start().await);
    let client = client().await;
    let address = client.serve(Router::new()).await;
    browser
        .play(async move |browser| {
            let reader = Reader { browser, address };
            reader.browser.resize(1280, 860, false).await;
            reader.open("/").await;
            // The first stop leads past the head.
            reader.tab_to(".skip").await;
            reader.browser.screenshot("conduit-keyboard-skip.png").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader
                .browser
                .wait("document.activeElement.matches('main')")
                .await;
            reader.open("/").await;
            reader.tab_to("a[href='/login']").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.is_at("/login").await;
            reader.tab_to("[name=email]").await;
            reader.browser.press("mary@example.org").await;
            reader.tab_to("[name=password]").await;
            reader.browser.press("password").await;
            reader.tab_to("main button").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.sees("Sign out").await;

            reader.tab_to("a[href='/article/compost-is-a-queue']").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.is_at("/article/compost-is-a-queue").await;
            reader.tab_to("[aria-pressed=false]").await;
            reader.browser.screenshot("conduit-keyboard-like.png").await;
            reader.browser.press(" ").await;
            reader
                .browser
                .wait("document.querySelector('[aria-pressed=true]')")
                .await;
            reader.tab_to("textarea").await;
            reader.browser.press("Less, in winter.").await;
            reader.tab_to(".comments button").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.sees("Less, in winter.").await;

            reader.tab_to("a[href='/editor']").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.is_at("/editor").await;
            // The title has the focus already.
            reader
                .browser
                .wait("document.activeElement.name === 'title'")
                .await;
            reader.browser.press("Read by hand").await;
            reader.tab_to("[name=description]").await;
            reader.browser.press("Without a mouse.").await;
            reader.tab_to("[name=body]").await;
            reader.browser.press("One key at a time.").await;
            reader.tab_to("main button").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.is_at("/article/read-by-hand").await;
            reader.tab_to("form[action='/logout'] button").await;
            reader.browser.press(Key::Enter.sign()).await;
            reader.sees("Sign up").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_fits_a_narrow_screen_in_both_schemes() {
    let browser = require!(Browser::start().await);
    let client = client().await;
    let long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen".repeat(3);
    let ada = client
        .user("somebody-with-a-rather-long-name-without-any-blank")
        .await;
    let slug = ada
        .publish(&long, &["a tag of some length that goes on and on"])
        .await;
    ada.comment(&slug, &long).await;
    let address = client.serve(Router::new()).await;
    browser
        .play(async move |browser| {
            let reader = Reader { browser, address };
            let article = format!("/article/{slug}");
            let read = [
                ("home", "/"),
                ("article", "/article/compost-is-a-queue"),
                ("long-article", &article),
                ("profile", "/profile/linus"),
                ("sign-in", "/login"),
                ("sign-up", "/register"),
                ("error", "/nothing"),
            ];
            let written = [
                ("feed", "/?feed=own"),
                ("own-article", "/article/notes-on-an-engine"),
                ("comments", "/article/keep-the-log-book"),
                ("editor", "/editor"),
                ("settings", "/settings"),
                ("own-profile", "/profile/ada"),
            ];
            for (signed_in, pages) in [(false, &read[..]), (true, &written[..])] {
                if signed_in {
                    reader.sign_in("ada").await;
                }
                for (name, path) in pages {
                    reader.open(path).await;
                    for (scheme, dark) in [("light", false), ("dark", true)] {
                        reader.browser.resize(360, 760, dark).await;
                        reader
                            .browser
                            .screenshot(&format!("conduit-narrow-{name}-{scheme}.png"))
                            .await;
                        reader.finds_it_readable(&format!("{name}, {scheme}")).await;
                    }
                }
            }
        })
        .await;
}

/// The way that the inspector is there for: a badge in the list, the request, the fix, and no badge.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_n_plus_one_is_seen_opened_mended_as_told_and_gone() {
    let browser = require!(Browser::start().await);
    let client = client().await;
    let (more, page) = demo::routes(&client.db);
    let address = client.serve(more).await;
    browser
        .play(async move |browser| {
            let reader = Reader { browser, address };
            reader.browser.resize(1280, 860, false).await;
            reader.open("/").await;
            reader.open("/demo/comments").await;
            reader.sees("We have those in the greenhouse").await;
            let before = reader.browser.run("return document.body.innerText").await;

            reader.open("/_inspector/").await;
            let row = |has: &str| {
                format!(
                    "[...document.querySelectorAll('.requests tbody tr')].filter((one) => \
                     one.innerText.includes('/demo/comments') && {has})"
                )
            };
            let badge = "one.querySelector('.badge.bad')?.innerText === 'N+1'";
            let planted = row(badge);
            reader
                .browser
                .wait(&format!("{planted}.length === 1"))
                .await;
            // Conduit's own pages have none.
            let badges = "return document.querySelectorAll('.requests .badge.bad').length";
            assert_eq!(reader.browser.run(badges).await, 1);
            reader
                .browser
                .screenshot("conduit-inspector-list.png")
                .await;
            reader.browser.run(&format!("{planted}[0].click()")).await;
            let fix = "document.querySelector('[data-kind=n_plus_one] .fix')";
            reader.browser.wait(fix).await;
            reader
                .browser
                .screenshot("conduit-inspector-n-plus-one.png")
                .await;
            let fix = reader.browser.run(&format!("return {fix}.innerText")).await;
            // What it tells to write is what the mended page has.
            let (_, told) = fix.as_str().unwrap().split_once("add ").unwrap();
            let told = told.split_inclusive(')').next().unwrap();
            assert_eq!(told, ".with(Article::COMMENTS)");
            assert!(demo::MENDED.contains(told), "{told}");

            page.mend();
            reader.open("/demo/comments").await;
            let after = reader.browser.run("return document.body.innerText").await;
            assert_eq!(before, after, "the page is the same");
            reader.open("/_inspector/").await;
            let mended = row(&format!("!({badge})"));
            reader.browser.wait(&format!("{mended}.length === 1")).await;
            reader.browser.run(&format!("{mended}[0].click()")).await;
            reader.sees("Nothing to mend").await;
            let statements = "return document.querySelectorAll('.waterfall li').length";
            assert_eq!(reader.browser.run(statements).await, 2);
            reader
                .browser
                .screenshot("conduit-inspector-mended.png")
                .await;
        })
        .await;
}
