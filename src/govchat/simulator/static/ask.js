// Calling the simulator, and the sentence a person reads when that or Zalo's webhook fails: what happened and what to do.
// What the machine said goes to the console.

const RUNNING = "cửa sổ dòng lệnh đang chạy govchat (make run hoặc govchat up)";
export const GONE = `Không kết nối được với Zalo mô phỏng. Hãy xem ${RUNNING}: nếu đã dừng thì chạy lại, trang này sẽ tự kết nối lại.`;

const REFUSED = {
  404: "Zalo mô phỏng không còn biết tỉnh hoặc người này. Hãy tải lại trang rồi chọn lại.",
  413: "Nội dung gửi lớn quá nên Zalo mô phỏng không nhận. Hãy chọn tệp nhỏ hơn.",
};
const refusal = (status) => REFUSED[status] || (status < 500
  ? `Zalo mô phỏng không nhận yêu cầu này (mã ${status}). Hãy tải lại trang rồi thử lại.`
  : `Zalo mô phỏng gặp lỗi (mã ${status}). Hãy thử lại; nếu vẫn lỗi, xem tệp simulator.log trong thư mục logs.`);

// The answer as data; with `body` as a POST. Throws an error whose message is a sentence to show.
export async function ask(path, body) {
  let reply, said;
  try {
    reply = await fetch(path, body && { method: "POST", body: JSON.stringify(body) });
    said = await reply.text();
  } catch (error) {
    console.warn(path, error);
    throw new Error(GONE);
  }
  try {
    if (reply.ok) return JSON.parse(said);
  } catch { /* not the simulator's answer: told below */ }
  console.warn(path, reply.status, said);
  throw new Error(reply.ok ? GONE : refusal(reply.status));
}

// What to tell of an event on its way to govchat, or nothing when it arrived.
export function undelivered({ sent, status, error }) {
  if (sent && status === 200) return "";
  if (error) console.warn("webhook", error);
  if (!sent && /^(webhook|echo)_/.test(error)) return `Lỗi giả lập “${error}” đã chặn tin này. Hãy gỡ lỗi giả lập đó rồi gửi lại.`;
  if (!sent) return "Ứng dụng của trang này chưa có địa chỉ webhook nên govchat không nhận được tin. Hãy đặt GOVCHAT_PUBLIC_URL rồi chạy lại.";
  if (status) return `Tin chưa tới nơi: govchat trả lời mã ${status}. Hãy xem phần Đường truyền và tệp api.log trong thư mục logs.`;
  return `Tin chưa tới nơi: govchat không trả lời. Zalo sẽ gửi lại; nếu chờ lâu, hãy xem ${RUNNING}.`;
}
