// Bubbles and cards, built with DOM calls only: nothing that was said can become markup.

const time = new Intl.DateTimeFormat("vi", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
const day = new Intl.DateTimeFormat("vi", { day: "2-digit", month: "2-digit", year: "numeric", timeZone: "Asia/Ho_Chi_Minh" });
export const dayOf = (at) => (day.format(at) === day.format(Date.now()) ? "Hôm nay" : day.format(at));

function make(tag, className, ...inside) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...inside.filter((one) => one !== null && one !== undefined));
  return node;
}
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}
function link(url, className, ...inside) {
  const node = make("a", className, ...inside);
  if (/^https?:\/\//.test(url || "")) Object.assign(node, { href: url, target: "_blank", rel: "noopener" });
  return node;
}
function picture(url, className, alt = "Ảnh") {
  return Object.assign(make("img", className), { src: /^https?:\/\//.test(url || "") ? url : "", alt, loading: "lazy" });
}

function text(words) {
  const node = make("div", "text");
  node.dataset.testid = "message-text";
  let from = 0;
  for (const found of words.matchAll(/https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]/g)) {
    node.append(words.slice(from, found.index), link(found[0], "", found[0]));
    from = found.index + found[0].length;
  }
  node.append(words.slice(from));
  return node;
}

const ICONS = { "oa.open.url": "link", "oa.open.phone": "phone", "oa.open.sms": "bubble", "oa.query.show": "", "oa.query.hide": "", form: "" };
function taps(buttons, tap) {
  return make("div", "taps", ...buttons.map((one) => {
    const name = ICONS[one.type];
    const button = make("button", "", name ? icon(name) : null, one.title);
    button.type = "button";
    button.dataset.testid = "message-button";
    button.dataset.type = one.type;
    button.onclick = () => tap(one);
    return button;
  }));
}

function items(elements, tap) {
  return make("div", "list", ...elements.map((one) => {
    const words = make("span", "", make("b", "", one.title), one.subtitle ? make("small", "", one.subtitle) : null);
    const item = make(one.default_action ? "button" : "div", "item", one.image_url ? picture(one.image_url, "", "") : null, words);
    if (one.default_action) Object.assign(item, { type: "button", onclick: () => tap({ ...one.default_action, title: one.title }) });
    return item;
  }));
}

function body(message, tap) {
  const { kind, payload } = message;
  const said = message.text ? text(message.text) : null;
  if (kind === "image" || kind === "gif") return [payload?.url ? picture(payload.url, "photo") : null, said];
  if (kind === "sticker") return [make("div", "text", "[Nhãn dán]"), said];
  if (kind === "location") {
    const words = make("span", "", "Vị trí", make("small", "", `${payload.latitude}, ${payload.longitude}`));
    return [make("div", "map"), make("div", "chip", icon("pin"), words)];
  }
  if (kind === "file") {
    const words = make("span", "", payload?.name || "Tệp", make("small", "", payload?.size ? `${Math.ceil(payload.size / 1024)} KB` : ""));
    return [link(payload?.url, "chip", icon("file"), words), said];
  }
  if (kind === "list") return [said, items(payload.elements, tap), payload.buttons ? taps(payload.buttons, tap) : null];
  if (payload?.request_user_info) {
    const form = payload.request_user_info;
    const button = { type: "form", title: "Chia sẻ thông tin", subtitle: form.subtitle };
    return [picture(form.image_url, "photo small", ""), said, make("b", "title", form.title), make("div", "text", form.subtitle), taps([button], tap)];
  }
  if (payload?.template_id) {
    const [title, ...rest] = message.text.split("\n");
    return [make("b", "title", title), text(rest.join("\n"))];
  }
  return [said || make("div", "text", `[${kind}]`), payload?.buttons ? taps(payload.buttons, tap) : null];
}

export function bubble(message, { turn, quoted, tap }) {
  const out = message.from === "user";
  const node = make("article", `msg ${out ? "out" : "in"}${turn ? " turn" : ""}`);
  node.dataset.testid = out ? "message-out" : "message-in";
  node.dataset.id = message.id;
  node.dataset.kind = message.kind;
  node.setAttribute("aria-label", out ? "Bạn nói" : "Official Account nói");
  const meta = make("div", "meta", Object.assign(make("time", "", time.format(message.at)), { dateTime: new Date(message.at).toISOString() }));
  const parts = body(message, tap);
  const last = parts.filter(Boolean).at(-1);
  const card = make("div", `bubble${message.kind === "template" ? " card" : ""}`);
  if (quoted) card.append(make("div", "quote", quoted.text));
  // the hour stands under the words, buttons below it
  for (const part of parts.filter(Boolean)) {
    if (part === last && part.classList.contains("taps")) card.append(meta);
    card.append(part);
  }
  if (!meta.parentNode) card.append(meta);
  node.append(card);
  return node;
}

export function hello(name) {
  const words = make("span", "", "Bấm “Quan tâm” hoặc nhắn một lời chào để bắt đầu.");
  return make("div", "hello", picture(`${location.origin}/static/avatar.svg`, "", ""), make("b", "", name), words);
}

export function markSeen(id) {
  document.querySelector(`[data-id="${CSS.escape(id)}"]`)?.setAttribute("data-seen", "true");
}
