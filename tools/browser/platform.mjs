// A platform of the test's own: data, port and mails.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const STARTED_WITHIN = 120_000;

export class Platform {
  usersPassword = "walk-password-1";
  // Pages beside the saga log's, for an administrator.
  morePages = ["/docs/events", "/ops", "/password"];
  moreScreenshots = [["operations.png", "/ops?lang=en", "light"], ["event-types.png", "/docs/events?lang=en", "light"]];

  static async up(historia, directory, smtp) {
    const platform = new Platform();
    const data = join(directory, "data");
    const urlFile = join(directory, "url");
    const flags = ["--port", "0", "--data-dir", data, "--url-file", urlFile, "--smtp-url", smtp, "--lang", "es"];
    platform.process = spawn(historia, ["up", ...flags], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [platform.process.stdout, platform.process.stderr]) stream.on("data", (data) => { said += data; });
    const ended = new Promise((resolve) => platform.process.once("exit", resolve));
    platform.ended = ended;
    const end = Date.now() + STARTED_WITHIN;
    while (!platform.url) {
      if (platform.process.exitCode !== null || Date.now() > end) throw new Error(`the platform did not start:\n${said}`);
      platform.url = (await readFile(urlFile, "utf8").catch(() => "")).trim();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    platform.password = (await readFile(join(data, "secrets", "administrator-password"), "utf8")).trim();
    return platform;
  }

  async #ask(method, path, token, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async logIn(username, password) {
    const { access_token: token } = await this.#ask("POST", "/login", undefined, { username, password });
    return { get: (path) => this.#ask("GET", path, token) };
  }

  // An account's id; by default a laboratory's.
  async register(username, role = 1) {
    const { id } = await this.#ask("POST", "/users", undefined, { username, password: this.usersPassword, role });
    return id;
  }

  async down() {
    this.process.kill("SIGINT");
    await this.ended;
  }
}
