// The inspector: every webhook (headers, body, our answer) and every send (request, Zalo's answer), raw.

const MAX = 120;
const clock = new Intl.DateTimeFormat("vi", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "Asia/Ho_Chi_Minh" });
const log = () => document.getElementById("wire");

function span(className, words) {
  return Object.assign(document.createElement("span"), { className, textContent: words });
}

function pretty(raw) {
  const pre = document.createElement("pre");
  let shown = raw;
  try { shown = JSON.stringify(JSON.parse(raw), null, 2); } catch { /* not JSON: as it is */ }
  let from = 0;
  for (const found of shown.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|-?\b\d+(?:\.\d+)?\b/g)) {
    pre.append(shown.slice(from, found.index), span(found[2] ? "k" : found[1] ? "s" : "n", found[1] || found[0]), found[2] || "");
    from = found.index + found[0].length;
  }
  pre.append(shown.slice(from));
  return pre;
}

function headersOf(headers) {
  const pre = document.createElement("pre");
  for (const [name, value] of Object.entries(headers)) pre.append(span("h", `${name}: `), `${value}\n`);
  return pre;
}

function section(title, node) {
  return [Object.assign(document.createElement("h3"), { textContent: title }), node];
}

const refused = (one) => {
  try { return one.way === "send" ? JSON.parse(one.answer).error || 0 : 0; } catch { return 0; }
};

let opened = null;
export function addExchange(one, live) {
  const box = document.createElement("details");
  box.dataset.testid = one.way === "webhook" ? "wire-webhook" : "wire-send";
  box.dataset.way = one.way;
  box.dataset.title = one.title;
  box.dataset.status = String(one.status);
  const code = refused(one);
  const good = one.status === 200 && !code;
  const badge = span(`badge${good ? "" : " bad"}`, code ? String(code) : one.status ? String(one.status) : "lỗi");
  badge.dataset.testid = "wire-status";
  const summary = document.createElement("summary");
  const title = Object.assign(document.createElement("b"), { textContent: one.title });
  const told = one.way === "webhook" ? "Zalo gọi govchat" : "govchat gọi Zalo";
  const small = Object.assign(document.createElement("small"), { textContent: `${told} · ${clock.format(one.at)} · ${one.ms.toLocaleString("vi")} ms` });
  summary.append(span("way", ""), title, badge, small);
  const raw = Object.assign(document.createElement("div"), { className: "raw" });
  raw.append(
    ...section(one.request, headersOf(one.headers)),
    ...section("Nội dung", pretty(one.body)),
    ...section(one.status ? `Trả lời ${one.status}` : "Không có trả lời; hãy xem cửa sổ dòng lệnh đang chạy govchat", pretty(one.answer)),
  );
  box.append(summary, raw);
  log().prepend(box);
  if (live && !/^(oa_send_|user_seen|user_received)/.test(one.title)) {  // receipts and echoes stay folded
    if (opened?.open && opened.dataset.byHand !== "true") opened.open = false;
    box.open = true;
    opened = box;
    summary.addEventListener("click", () => { box.dataset.byHand = "true"; });
  }
  while (log().children.length > MAX) log().lastElementChild.remove();
}

export function clearWire() {
  log().replaceChildren();
  opened = null;
}

export function startFilters() {
  const buttons = [...document.querySelectorAll(".filters button")];
  for (const button of buttons) {
    button.onclick = () => {
      log().dataset.way = button.dataset.way;
      buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    };
  }
}
