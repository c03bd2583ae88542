"use strict";

// Both languages of the page; what the model says is not touched.
const TEXTS = {
  en: {
    title: "Chat", token: "The server's token (the command printed it)", open: "Open",
    message: "Your message", keys: "Enter sends, Shift+Enter starts a new line, Escape stops the answer.",
    send: "Send", stop: "Stop", new: "New conversation", log: "Conversation",
    user: "You", assistant: "Model", writing: "The model is writing …", done: "The answer is complete.",
    length: "The answer ends here because it reached its limit.", stopped: "Stopped.",
    forgot: "The oldest turns were forgotten: the context is full.",
    unauthorized: "The token is wrong. Enter the one that the command printed.",
    busy: "The server is busy. Try again in a moment.", lost: "The connection is lost. ", problem: "The server says: ",
    other: "中文", otherLang: "zh-CN",
  },
  zh: {
    title: "聊天", token: "服务器的令牌（启动命令会打印出来）", open: "进入",
    message: "你的消息", keys: "回车发送，Shift + 回车换行，Esc 停止回答。",
    send: "发送", stop: "停止", new: "新的对话", log: "对话",
    user: "你", assistant: "模型", writing: "模型正在写……", done: "回答完毕。",
    length: "回答到了长度上限，就此打住。", stopped: "已停止。",
    forgot: "上下文满了，最早的几轮已经忘掉。",
    unauthorized: "令牌不对。请输入启动命令打印的那一个。",
    busy: "服务器正忙，请稍后再试。", lost: "连接断了。", problem: "服务器说：",
    other: "English", otherLang: "en",
  },
};

const element = (id) => document.getElementById(id);
const log = element("log"), message = element("message"), status_ = element("status");
let language = "en", model = null, messages = [], running = null, said = null;

// The token comes behind the # of the address, which browsers never send anywhere.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) sessionStorage.setItem("token", given);
if (location.hash) history.replaceState(null, "", location.pathname);
const token = () => sessionStorage.getItem("token") || "";

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  const texts = TEXTS[chosen];
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = texts[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", texts[node.dataset.label]);
  element("language").textContent = texts.other;
  element("language").lang = texts.otherLang;
  report(said);
}

function report(key, detail = "") {
  said = key;
  status_.textContent = key ? TEXTS[language][key] + detail : "";
}

function show(role, text) {
  const turn = document.createElement("div"), who = document.createElement("div"), what = document.createElement("div");
  turn.className = `turn ${role}`;
  who.className = "who";
  who.dataset.text = role;
  who.textContent = TEXTS[language][role];
  what.className = "what";
  what.textContent = text; // text, never HTML: what a model writes is not trusted
  turn.append(who, what);
  log.append(turn);
  log.scrollTop = log.scrollHeight;
  return what;
}

function call(path, options = {}) {
  const headers = { authorization: `Bearer ${token()}`, "content-type": "application/json" };
  return fetch(path, { ...options, headers });
}

async function enter() {
  const response = await call("/v1/models").catch(() => null);
  const allowed = response !== null && response.ok;
  element("door").hidden = allowed;
  element("send").disabled = !allowed;
  if (allowed) {
    model = (await response.json()).data[0].id;
    element("model").textContent = model;
    report(null);
    message.focus();
  } else {
    report(response === null ? "lost" : token() ? "unauthorized" : null);
    element("token").focus();
  }
}

async function* events(response) { // server-sent events: lines "data: ...", a blank line between
  const decoder = new TextDecoder();
  let rest = "";
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "data: [DONE]") return;
      if (line.startsWith("data: ")) yield JSON.parse(line.slice(6));
    }
  }
}

async function ask(talk, signal) { // the oldest turns go when the context is full
  for (;;) {
    const body = JSON.stringify({ model, messages: talk, stream: true });
    const response = await call("/v1/chat/completions", { method: "POST", body, signal });
    if (response.ok) return response;
    const { error } = await response.json();
    if (error.code !== "context_length_exceeded" || talk.length < 3) {
      throw Object.assign(new Error(error.message), { status: response.status });
    }
    talk.splice(0, 2);
    report("forgot");
  }
}

async function send(text) {
  const talk = messages; // a new conversation may begin before this answer ends
  show("user", text);
  talk.push({ role: "user", content: text });
  running = new AbortController();
  element("send").disabled = true;
  element("stop").disabled = false;
  report("writing");
  log.setAttribute("aria-busy", "true"); // a screen reader waits for the whole answer
  const what = show("assistant", "");
  let finish = "lost", detail = "";
  try {
    for await (const event of events(await ask(talk, running.signal))) {
      if (event.error) throw Object.assign(new Error(event.error.message), event.error);
      const [choice] = event.choices;
      what.textContent += choice?.delta.content ?? "";
      log.scrollTop = log.scrollHeight;
      if (choice?.finish_reason) finish = choice.finish_reason === "length" ? "length" : "done";
    }
  } catch (problem) {
    if (problem.name === "AbortError") finish = "stopped";
    else if (problem.status === 401) finish = "unauthorized";
    else if (problem.status === 429) finish = "busy";
    else {
      finish = problem.status || problem.code ? "problem" : "lost";
      detail = problem.message;
    }
  }
  if (what.textContent) talk.push({ role: "assistant", content: what.textContent });
  else { // nothing came: the question goes back to where it was written
    what.parentElement.remove();
    talk.pop();
    if (talk === messages) message.value ||= text;
  }
  log.setAttribute("aria-busy", "false");
  report(finish, detail);
  running = null;
  element("send").disabled = false;
  element("stop").disabled = true;
  message.focus();
}

element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = message.value.trim();
  if (!text || running || model === null) return;
  message.value = "";
  send(text);
});
message.addEventListener("keydown", (event) => { // Enter that ends a Chinese word is not for us
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  element("ask").requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running) running.abort();
});
element("stop").addEventListener("click", () => running?.abort());
element("new").addEventListener("click", () => {
  running?.abort();
  messages = [];
  log.replaceChildren();
  report(null);
  message.focus();
});
element("door").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", element("token").value.trim());
  enter();
});
element("language").addEventListener("click", () => speak(language === "en" ? "zh" : "en"));

speak(navigator.language.startsWith("zh") ? "zh" : "en");
enter();
