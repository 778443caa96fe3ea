// The phone page: who talks with whom, what arrives live, what the citizen does. Drawing is in draw.js and wire.js.
import { ask, GONE, undelivered } from "./ask.js";
import { bubble, dayOf, hello, markSeen } from "./draw.js";
import { addExchange, clearWire, startFilters } from "./wire.js";

const $ = (id) => document.getElementById(id);
const state = { oas: [], citizens: [], oa: null, citizen: null, userId: "", messages: new Map(), stream: null, load: 0 };

const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
const act = (name, body = {}) => ask(`/_control/users/${state.oa.oa_id}/${state.userId}/${name}`, body);
const AGAIN_MS = 2000;

let toastTimer;
export function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("on");
  clearTimeout(toastTimer);
  // long enough to be read: some sixteen letters a second
  toastTimer = setTimeout(() => $("toast").classList.remove("on"), Math.max(3500, text.length * 60));
}

// Stays until the simulator is heard again; an empty text takes it away.
function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

// Who and where -------------------------------------------------------------------------------------------------------

function drawCitizens() {
  $("citizens").replaceChildren(...state.citizens.map((one) => {
    const button = document.createElement("button");
    const chosen = one === state.citizen;
    Object.assign(button, { type: "button", tabIndex: chosen ? 0 : -1 });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(chosen));
    button.dataset.testid = "citizen";
    button.dataset.key = one.key;
    const face = Object.assign(document.createElement("span"), { className: "face", textContent: one.name.split(" ").slice(-2).map((word) => word[0]).join("") });
    face.style.background = one.colour;
    face.setAttribute("aria-hidden", "true");
    const label = document.createElement("span");
    label.append(one.name, Object.assign(document.createElement("small"), { textContent: one.phone.replace(/^84/, "0") }));
    button.append(face, label);
    button.onclick = () => choose(state.oa, one);
    return button;
  }));
}

$("citizens").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = (state.citizens.indexOf(state.citizen) + step + state.citizens.length) % state.citizens.length;
  choose(state.oa, state.citizens[next]).then(() => $("citizens").children[next].focus());
});

let near = 0;
function found() {
  const wanted = fold($("province").value.trim());
  return state.oas.filter((one) => fold(`${one.name} ${one.slug}`).includes(wanted) || one.slug.replaceAll("-", " ").includes(wanted));
}

function drawProvinces() {
  const shown = found();
  near = Math.max(0, Math.min(near, shown.length - 1));
  const searching = document.activeElement === $("province");
  $("provinces").replaceChildren(...shown.map((one, index) => {
    const item = Object.assign(document.createElement("li"), { textContent: one.name, id: `oa-${one.slug}` });
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(one === state.oa));
    item.dataset.testid = "province-option";
    item.dataset.slug = one.slug;
    item.classList.toggle("near", searching && index === near);
    item.onclick = () => choose(one, state.citizen, true);
    return item;
  }));
  if (!shown.length) $("provinces").innerHTML = '<li class="none">Không có tỉnh, thành phố nào khớp.</li>';
  $("province").setAttribute("aria-activedescendant", searching && shown[near] ? `oa-${shown[near].slug}` : "");
}

$("province").addEventListener("input", () => { near = 0; drawProvinces(); });
$("province").addEventListener("focus", () => { near = Math.max(0, found().indexOf(state.oa)); drawProvinces(); });
// only the mark goes: rebuilding the list here would swallow the click that took the focus away
$("province").addEventListener("blur", () => document.querySelector(".near")?.classList.remove("near"));
$("province").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    near += step;
    drawProvinces();
    document.querySelector(".near")?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && found()[near]) {
    choose(found()[near], state.citizen, true);
    $("composer").focus();
  }
});

function show(pane) {
  document.body.dataset.pane = pane;
  for (const button of document.querySelectorAll(".panes button")) button.setAttribute("aria-pressed", String(button.dataset.show === pane));
  if (pane === "wire") $("wire-count").hidden = true;
  if (pane === "chat") { toBottom(); soonSeen(); }
}
for (const button of document.querySelectorAll(".panes button")) button.onclick = () => show(button.dataset.show);
$("to-places").onclick = () => { show("places"); $("province").focus(); };

// Never fails: what went wrong is told, and tried again until it goes well or somebody clicks on.
async function choose(oa, citizen, thenChat = false) {
  const turn = ++state.load;
  try {
    await open(turn, oa, citizen);
  } catch (error) {
    if (turn !== state.load) return;
    trouble(error.message);
    setTimeout(() => turn === state.load && choose(oa, citizen, thenChat), AGAIN_MS);
    return;
  }
  if (turn === state.load && thenChat) show("chat");
}

async function open(turn, oa, citizen) {
  state.stream?.close();
  Object.assign(state, { oa, citizen, stream: null });
  delete document.body.dataset.ready;
  try { localStorage.setItem("phone", JSON.stringify({ oa: oa.slug, citizen: citizen.key })); } catch { /* private window */ }
  drawCitizens();
  drawProvinces();
  $("oa-name").textContent = oa.name;
  document.title = `${oa.name} · Zalo mô phỏng`;
  const query = new URLSearchParams({ oa: oa.slug, citizen: citizen.key });
  const stream = new EventSource(`/_phone/live?${query}`);
  const early = [];
  let take = (kind, data) => early.push([kind, data]);
  for (const kind of ["message", "exchange", "person", "seen", "reaction"]) {
    stream.addEventListener(kind, (event) => take(kind, JSON.parse(event.data)));
  }
  // The browser would try again by itself, some seconds later: what is said until then would be missing.
  await new Promise((done, failed) => { stream.onopen = done; stream.onerror = () => { stream.close(); failed(new Error(GONE)); }; });
  const chat = await ask(`/_phone/chat?${query}`).catch((error) => { stream.close(); throw error; });
  if (turn !== state.load) { stream.close(); return; }  // somebody clicked on meanwhile
  trouble("");
  Object.assign(state, { stream, userId: chat.user_id, messages: new Map() });
  clearWire();
  $("chat").replaceChildren(hello(oa.name));
  chat.exchanges.forEach((one) => addExchange(one, false));
  chat.messages.forEach(addMessage);
  relation(chat.follows);
  take = arrived;
  early.forEach(([kind, data]) => arrived(kind, data));
  stream.onopen = null;
  // What was said meanwhile is read again with the rest of the talk.
  stream.onerror = () => { stream.close(); trouble(GONE); setTimeout(() => turn === state.load && choose(oa, citizen), AGAIN_MS); };
  if (stream.readyState !== EventSource.OPEN) { stream.onerror(); return; }
  document.body.dataset.ready = `${oa.slug}/${citizen.key}`;
  toBottom();
  soonSeen();
}

// What arrives --------------------------------------------------------------------------------------------------------

function arrived(kind, data) {
  if (kind === "message") addMessage(data);
  else if (kind === "exchange") {
    addExchange(data, true);
    if (document.body.dataset.pane !== "wire") {
      $("wire-count").hidden = false;
      $("wire-count").textContent = String(document.querySelectorAll("#wire details").length);
    }
  } else if (kind === "person") relation(data.follows);
  else if (kind === "seen") data.forEach(markSeen);
  else if (kind === "reaction") toast(`Trang bày tỏ cảm xúc ${data.icon}`);
}

function relation(follows) {
  $("follow").hidden = follows;
  $("unfollow").hidden = !follows;
  $("oa-state").textContent = follows ? "Bạn đang quan tâm" : "Cơ quan nhà nước";
}

function addMessage(message) {
  if (state.messages.has(message.id)) return;
  const last = [...state.messages.values()].at(-1);
  state.messages.set(message.id, message);
  document.querySelector(".hello")?.remove();
  if (!last || dayOf(last.at) !== dayOf(message.at)) {
    $("chat").append(Object.assign(document.createElement("div"), { className: "day", textContent: dayOf(message.at) }));
  }
  $("chat").append(bubble(message, { turn: last && last.from !== message.from, quoted: state.messages.get(message.payload?.quote), tap }));
  toBottom();
  if (message.from === "oa") soonSeen();
}

const toBottom = () => requestAnimationFrame(() => { $("chat").scrollTop = $("chat").scrollHeight; });
$("chat").addEventListener("load", toBottom, true);

let seeing;
function soonSeen() {
  clearTimeout(seeing);
  const watched = document.visibilityState === "visible" && (document.body.dataset.pane === "chat" || innerWidth > 1080);
  if (watched) seeing = setTimeout(() => {
    if ([...state.messages.values()].some((one) => one.from === "oa" && !one.seen)) {
      for (const one of state.messages.values()) one.seen = true;
      act("see").catch(() => {});
    }
  }, 400);
}
document.addEventListener("visibilitychange", soonSeen);

// What the citizen does -----------------------------------------------------------------------------------------------

function told(delivery) {
  const text = undelivered(delivery);
  if (text) toast(text);
}
// Answers whether the simulator took it.
const doing = (promise) => promise.then((delivery) => { told(delivery); return true; }, (error) => { toast(error.message); return false; });

function tap(button) {
  const { type, payload, title } = button;
  if (type === "oa.query.show" || type === "oa.query.hide") doing(act("tap", { payload, show: type === "oa.query.show" }));
  else if (type === "oa.open.url") window.open(payload.url, "_blank", "noopener");
  else if (type === "oa.open.phone") toast(`Gọi 0${payload.phone_code.slice(2)}`);
  else if (type === "oa.open.sms") toast(`Soạn SMS tới 0${payload.phone_code.slice(2)}: ${payload.content}`);
  else if (type === "form") openForm(button);
  else toast(title);
}

function grow() {
  const box = $("composer");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
  $("send").disabled = !box.value.trim();
}
$("composer").addEventListener("input", grow);
$("composer").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("write").requestSubmit(); }
});
$("write").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("composer").value.trim();
  if (!text) return;
  $("composer").value = "";
  grow();
  doing(act("text", { text })).then((taken) => {
    if (!taken && !$("composer").value) { $("composer").value = text; grow(); }  // nobody types it twice
  });
});
$("follow").onclick = () => doing(act("follow"));
$("unfollow").onclick = () => doing(act("unfollow"));

$("pick-image").onclick = () => $("image").click();
$("image").onchange = () => {
  const file = $("image").files[0];
  if (!file) return;
  const reader = new FileReader();
  reader.onload = () => doing(act("image", { data: reader.result.split(",")[1], name: file.name }));
  reader.onerror = () => toast("Không đọc được ảnh này. Hãy chọn ảnh khác.");
  reader.readAsDataURL(file);
  $("image").value = "";
};

$("pick-place").onclick = () => $("place").showModal();
$("place").addEventListener("close", () => {
  if ($("place").returnValue !== "ok") return;
  const fields = new FormData($("place").querySelector("form"));
  doing(act("location", { latitude: Number(fields.get("latitude")), longitude: Number(fields.get("longitude")) }));
  $("place").returnValue = "";
});

function openForm(button) {
  const form = $("form").querySelector("form");
  $("form-text").textContent = button.subtitle || "";
  form.elements.name.value = state.citizen.name;
  form.elements.phone.value = state.citizen.phone.replace(/^84/, "0");
  form.elements.address.value = state.citizen.address;
  $("form").showModal();
}
$("form").addEventListener("close", () => {
  if ($("form").returnValue !== "ok") return;
  const fields = Object.fromEntries(new FormData($("form").querySelector("form")));
  fields.phone = fields.phone.replace(/^0/, "84");
  doing(act("submit_info", fields).then((delivery) => { toast("Đã gửi thông tin"); return delivery; }));
  $("form").returnValue = "";
});

// Start ---------------------------------------------------------------------------------------------------------------

startFilters();
grow();
const given = new URLSearchParams(location.search);
let before = {};
try { before = JSON.parse(localStorage.getItem("phone")) || {}; } catch { /* private window */ }

async function start() {
  const { oas, citizens } = await ask("/_phone/choices");
  state.oas = oas.sort((one, other) => one.slug.localeCompare(other.slug));
  state.citizens = citizens;
  const wanted = given.get("oa") || before.oa;
  const oa = oas.find((one) => one.slug === wanted || one.oa_id === wanted) || oas[0];
  const who = given.get("citizen") || before.citizen;
  if (!oa) { trouble("Zalo mô phỏng chưa có tỉnh nào. Hãy tạo một tỉnh bằng lệnh govchat tenant new, rồi tải lại trang."); return; }
  if (given.get("oa") && oa.slug !== wanted && oa.oa_id !== wanted) toast(`Không có tỉnh “${wanted}”. Đang mở ${oa.name}; hãy chọn tỉnh khác trong danh sách.`);
  await choose(oa, citizens.find((one) => one.key === who) || citizens[0]);
  document.querySelector('#provinces [aria-selected="true"]')?.scrollIntoView({ block: "center" });
  if (given.get("text")) { $("composer").value = given.get("text"); grow(); }
  if (innerWidth > 1080 || given.get("text")) $("composer").focus();
}
const begin = () => start().catch((error) => { trouble(error.message); setTimeout(begin, AGAIN_MS); });
begin();
