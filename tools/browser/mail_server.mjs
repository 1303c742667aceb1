// A mail server for one test: takes every mail, or refuses every recipient for good.
import { createServer } from "node:net";

export class MailServer {
  refuses = false;

  static async listen() {
    const mail = new MailServer();
    mail.server = createServer((socket) => mail.#converse(socket));
    await new Promise((resolve) => mail.server.listen(0, "127.0.0.1", resolve));
    mail.url = `smtp://127.0.0.1:${mail.server.address().port}`;
    return mail;
  }

  #converse(socket) {
    let rest = "";
    let inBody = false;
    const say = (line) => socket.write(`${line}\r\n`);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const lines = (rest + data.toString("latin1")).split("\r\n");
      rest = lines.pop();
      for (const line of lines) {
        if (inBody) {
          if (line === ".") { inBody = false; say("250 taken"); }
        } else if (/^DATA/i.test(line)) {
          inBody = true;
          say("354 go on");
        } else if (/^RCPT/i.test(line) && this.refuses) {
          say("550 no such mailbox");
        } else if (/^QUIT/i.test(line)) {
          say("221 bye");
          socket.end();
        } else {
          say("250 ok");
        }
      }
    });
    say("220 test");
  }

  async close() {
    this.server.closeAllConnections?.();
    this.server.close();
  }
}
