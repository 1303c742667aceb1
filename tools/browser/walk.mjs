// Walks through Historia's pages with the distribution's Chromium, on a platform of its own: by mouse, by keyboard alone,
// and with axe on every page in both languages and both colour schemes. Fails at the first thing that is not so.
//
//   node walk.mjs HISTORIA CHROMIUM [SCREENSHOTS]
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import { chmod, mkdtemp, readFile, rm, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { Platform } from "./platform.mjs";
import { MailServer } from "./mail_server.mjs";

const [historia, browserPath, screenshots] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const LANGUAGES = ["es", "en"];
const SCHEMES = ["light", "dark"];
const LIMIT = 30_000;

const step = (what) => console.log(`== ${what}`);
const assert = (holds, what) => { if (!holds) throw new Error(what); };

// Asks until something comes of it.
const until = async (what, probe) => {
  const end = Date.now() + LIMIT;
  while (Date.now() < end) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`waited ${LIMIT} ms for ${what}, in vain`);
};

// A browser's window; what it complains about (a script that fails, something that the policy forbids) is a failure.
const open = async (browser, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1200, height: 820 }, locale: "es-CL", ...options });
  context.setDefaultTimeout(LIMIT);
  const page = await context.newPage();
  const complaints = [];
  // That a page is a 401, 403 or 404 is what it is asked for.
  const expected = (text) => text.startsWith("Failed to load resource");
  page.on("console", (message) => {
    if (message.type() === "error" && !expected(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.complaints = complaints;
  return page;
};

const signIn = async (page, url, username, password) => {
  await page.goto(`${url}/sign-in`);
  await page.fill("#username", username);
  await page.fill("#password", password);
  await page.click("main button");
  await page.waitForURL(`${url}/`);
};

// Presses Tab until what `selector` names has the focus, as somebody without a mouse does.
const tabTo = async (page, selector) => {
  for (let pressed = 0; pressed < 250; pressed += 1) {
    if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the focus never came to ${selector}`);
};

const examine = async (page, name) => {
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate((rules) => axe.run({ runOnly: rules }), RULES);
  assert(passes.length > 5, `${name}: axe looked at next to nothing`);
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
  assert(violations.length === 0, `${name}: ${told.join("\n")}`);
};

const directory = await mkdtemp(join(tmpdir(), "historia-browser-"));
// PostgreSQL does not run as root, so another user has to get through.
await chmod(directory, 0o755);
const mail = await MailServer.listen();
const platform = await Platform.up(historia, directory, mail.url);
const browser = await chromium.launch({
  executablePath: browserPath,
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
try {
  const { url, password } = platform;
  const administrator = await platform.logIn("admin", password);

  step("a mail fails for good");
  mail.refuses = true;
  const failed = await platform.register("walk-mouse");
  const eventOf = (user, state) => until(`the ${state} event of ${user}`, async () => {
    const { items } = await administrator.get(`/saga/logs?type=UserCreated&state=${state}&limit=100`);
    return items.find(({ aggregate }) => aggregate === user)?.id;
  });
  const event = await eventOf(failed, "FAILED");

  step("by mouse: sign in, filter, timeline, retry");
  const page = await open(browser);
  await signIn(page, url, "admin", password);
  await page.click("header nav a[href='/saga/logs']");
  await page.selectOption("#state", "FAILED");
  await page.click("form[role=search] button");
  await page.waitForURL(/state=FAILED/);
  await page.waitForSelector(`#event-${event} .state.failed`);
  assert(await page.inputValue("#command") === "historia saga list --state FAILED", "the command says the filter");
  await page.click(`#event-${event} th a`);
  await page.waitForSelector("svg.timeline polygon");
  assert(await page.locator("svg.timeline g.lane").count() >= 2, "the timeline has a lane for the event and for its answer");
  mail.refuses = false;
  await page.fill("#retry-reason", "the mail server is back");
  await page.click("form[action$='/retry'] button");
  await page.waitForURL(/asked=retry/);
  await until("the event to be processed", async () => {
    await page.reload();
    return page.locator("h1 .state.processed").count();
  });

  step("live: what happens appears, a pause holds it back, nothing is lost");
  await page.goto(`${url}/saga/logs?type=UserCreated`);
  await page.waitForFunction(() => document.querySelector("[data-live] [role=status]")?.textContent);
  const first = await platform.register("walk-live-1");
  const row = async (user) => `#event-${await eventOf(user, "PROCESSED")}`;
  await page.waitForSelector(await row(first));
  await page.click("[data-live] button");
  await page.waitForFunction(() => document.querySelector("[data-live] button").textContent === "Reanudar");
  const meanwhile = await Promise.all([2, 3, 4].map((number) => platform.register(`walk-live-${number}`)));
  const rows = await Promise.all(meanwhile.map(row));
  for (const held of rows) assert(await page.locator(held).count() === 0, "a paused page stands still");
  await page.click("[data-live] button");
  for (const held of rows) await page.waitForSelector(held);

  step("by keyboard alone: sign in, filter, retry");
  mail.refuses = true;
  const second = await eventOf(await platform.register("walk-keyboard"), "FAILED");
  mail.refuses = false;
  const keys = await open(browser, { locale: "en-GB" });
  await keys.goto(`${url}/saga/logs`);
  await tabTo(keys, "#username");
  await keys.keyboard.type("admin");
  await keys.keyboard.press("Tab");
  await keys.keyboard.type(password);
  await keys.keyboard.press("Enter");
  await keys.waitForURL(`${url}/saga/logs`);
  await keys.keyboard.press("Tab");
  assert(await keys.evaluate(() => document.activeElement.className) === "skip", "the first stop leads to the content");
  await keys.keyboard.press("Enter");
  await tabTo(keys, "#state");
  await keys.keyboard.type("FAILED");
  await tabTo(keys, "form[role=search] button");
  await keys.keyboard.press("Enter");
  await keys.waitForURL(/state=FAILED/);
  await keys.waitForSelector(`#event-${second}`);
  await tabTo(keys, `#event-${second} th a`);
  await keys.keyboard.press("Enter");
  await keys.waitForURL(/saga\/logs\/[0-9a-f-]+$/);
  await tabTo(keys, "#retry-reason");
  await keys.keyboard.type("the mail server is back again");
  await keys.keyboard.press("Enter");
  await keys.waitForURL(/asked=retry/);
  await eventOf((await administrator.get(`/saga/logs/${second}`)).aggregate, "PROCESSED");

  step("by keyboard alone: choose a password of one's own");
  await platform.register("walk-own");
  const own = await open(browser, { locale: "en-GB" });
  await own.goto(`${url}/saga/logs`);
  await tabTo(own, "#username");
  await own.keyboard.type("walk-own");
  await own.keyboard.press("Tab");
  await own.keyboard.type(platform.usersPassword);
  await own.keyboard.press("Enter");
  await own.waitForURL(`${url}/saga/logs`);
  await tabTo(own, "header a[href='/password']");
  await own.keyboard.press("Enter");
  await own.waitForURL(`${url}/password`);
  const choose = async (chosen, again) => {
    await tabTo(own, "#current_password");
    await own.keyboard.type(platform.usersPassword);
    await own.keyboard.press("Tab");
    await own.keyboard.type(chosen);
    await own.keyboard.press("Tab");
    await own.keyboard.type(again);
    await own.keyboard.press("Enter");
  };
  await choose("walk-own-password-1", "walk-own-password-2");
  await own.waitForSelector("[role=alert]");
  await examine(own, "/password, refused");
  await choose("walk-own-password-1", "walk-own-password-1");
  await own.waitForURL(/\/password\?changed/);
  await examine(own, "/password?changed");
  await tabTo(own, "main a");
  await own.keyboard.press("Enter");
  await own.waitForURL(`${url}/`);
  await platform.logIn("walk-own", "walk-own-password-1");
  await own.goto(`${url}/password?required&next=%2Fsaga%2Flogs`);
  await examine(own, "/password?required");

  step("without scripts: the same pages");
  const plain = await open(browser, { javaScriptEnabled: false });
  await signIn(plain, url, "admin", password);
  await plain.goto(`${url}/saga/logs`);
  await plain.selectOption("#state", "PROCESSED");
  await plain.click("form[role=search] button");
  await plain.waitForURL(/state=PROCESSED/);
  assert(await plain.locator("#events tr").count() > 0, "the list is there");

  step("axe on every page, in both languages and both colour schemes");
  const paths = ["/", "/saga/logs", `/saga/logs/${event}`, "/nothing", ...platform.morePages];
  for (const colorScheme of SCHEMES) {
    const signedOut = await open(browser, { colorScheme });
    const signedIn = await open(browser, { colorScheme });
    const patient = await open(browser, { colorScheme });
    await signIn(signedIn, url, "admin", password);
    await platform.register(`walk-patient-${colorScheme}`, 3);
    await signIn(patient, url, `walk-patient-${colorScheme}`, platform.usersPassword);
    for (const language of LANGUAGES) {
      const visit = async (where, path) => {
        await where.goto(`${url}${path}?lang=${language}`);
        assert(await where.getAttribute("html", "lang") === language, `${path} is in ${language}`);
        await examine(where, `${path} ${language} ${colorScheme}`);
      };
      await visit(signedOut, "/");
      await visit(signedOut, "/sign-in");
      for (const path of paths) await visit(signedIn, path);
      await visit(patient, "/saga/logs");
    }
    for (const looked of [signedOut, signedIn, patient]) {
      assert(looked.complaints.length === 0, looked.complaints.join("\n"));
    }
  }
  for (const looked of [page, keys, own, plain]) assert(looked.complaints.length === 0, looked.complaints.join("\n"));

  if (screenshots) {
    step("screenshots");
    await mkdir(screenshots, { recursive: true });
    mail.refuses = true;
    const shownEvent = await eventOf(await platform.register("walk-shown"), "FAILED");
    const shots = [
      ["saga-log.png", "/saga/logs?lang=en", "light"],
      ["saga.png", `/saga/logs/${shownEvent}?lang=en`, "light"],
      ["saga-dark.png", `/saga/logs/${second}?lang=es`, "dark"],
      ...platform.moreScreenshots,
    ];
    for (const [file, path, colorScheme] of shots) {
      const shown = await open(browser, { colorScheme });
      await signIn(shown, url, "admin", password);
      await shown.goto(url + path);
      await shown.screenshot({ path: join(screenshots, file) });
    }
  }
  step("done");
} finally {
  await browser.close();
  await platform.down();
  await mail.close();
  await rm(directory, { recursive: true, force: true });
}
