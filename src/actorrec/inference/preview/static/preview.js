"use strict";
// Names, sources and troubles come from cameras and networks: they become text, never markup.

const EVERY_MS = 1000;
const TRY_AGAIN_MS = 3000;
const at = (id) => document.getElementById(id);
let streaming = false;
let tryAt = 0;
const counted = []; // frames and the device's clock at the last asks, for the rate between them

function made(name, text, kind) {
  const element = document.createElement(name);
  element.textContent = text;
  if (kind) element.dataset.kind = kind;
  return element;
}

function fill(id, rows) {
  at(id).replaceChildren(...rows.flatMap(([term, value, bad]) => {
    const right = made("dd", value);
    right.classList.toggle("bad", Boolean(bad));
    return [made("dt", term), right];
  }));
}

const count = (number) => number.toLocaleString("en");
const ms = (value) => (value === null || value === undefined ? "–" : value < 10 ? value.toFixed(1) : Math.round(value).toString());

function since(text) {
  const minutes = Math.floor((Date.now() - Date.parse(text)) / 60000);
  if (!(minutes >= 1)) return "less than a minute";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function showStatus(kind, text) {
  const status = at("status");
  if (status.textContent !== text) status.textContent = text;
  status.dataset.kind = kind;
}

function showNothing(why) {
  at("nothing").hidden = why === "";
  if (why) at("why").textContent = why;
}

function stopStream() {
  if (!streaming) return;
  streaming = false;
  at("picture").hidden = true;
  at("picture").removeAttribute("src"); // lets the device stop drawing
}

function startStream() {
  if (streaming || Date.now() < tryAt) return;
  streaming = true;
  at("picture").hidden = false;
  at("picture").src = `stream?${Date.now()}`;
}

function showFaces(faces) {
  const rows = faces.map((face) => made("li", face.kind === "undecided" ? "… not sure yet" : face.label, face.kind));
  at("faces").replaceChildren(...(rows.length ? rows : [made("li", "Nobody in view", "none")]));
}

function showTrouble(lines) {
  at("trouble").hidden = lines.length === 0;
  at("trouble").replaceChildren(...lines.map((line) => made("li", line)));
}

function cameraRows(camera) {
  const rows = [["frames that came", count(camera.captured)]];
  if (camera.dropped) rows.push(["left for newer ones", count(camera.dropped)]);
  rows.push(["unchanged", count(camera.unchanged)], ["searched for faces", count(camera.detections)]);
  if (camera.reconnects) rows.push(["opened anew", count(camera.reconnects), true]);
  return rows;
}

function showHealth(health, age) {
  if (!health) return;
  at("device").textContent = health.device;
  document.title = `${health.device} – live`;
  at("source").textContent = health.camera ? health.camera.source : "";
  at("health-age").textContent = age < 2 ? "now" : `${Math.round(age)} s ago`;
  const rows = [["a whole look, ms", `${ms(health.ms_p50)} · 95 %: ${ms(health.ms_p95)}`]];
  rows.push(...(health.camera ? cameraRows(health.camera) : [["pictures", count(health.frames)]]));
  if (health.unreadable) rows.push(["unreadable", count(health.unreadable), true]);
  if (health.failures) rows.push(["failures", count(health.failures), true]);
  if (health.temperature_c !== null) rows.push(["processor", `${health.temperature_c.toFixed(1)} °C`, health.temperature_c >= 80]);
  if (health.memory_bytes !== null) rows.push(["memory", `${Math.round(health.memory_bytes / 1e6)} MB`]);
  if (health.throttled.length) rows.push(["held back", health.throttled.join(", "), true]);
  if (health.swaps || health.swaps_refused) rows.push(["new models", health.swaps_refused ? `${health.swaps}, ${health.swaps_refused} refused` : String(health.swaps)]);
  rows.push(["model", health.model.model_id], ["bundle", health.model.bundle.slice(0, 12)]);
  rows.push(["running for", since(health.started_at)], ["actorrec", health.version]);
  fill("health", rows);
  showSteps(Object.entries(health.steps));
  at("queues-card").hidden = health.queues.length === 0;
  fill("queues", health.queues.map((queue) => [queue.name, queueText(queue), queue.dropped + queue.refused > 0]));
}

function queueText(queue) {
  const lost = [[queue.dropped, "dropped"], [queue.refused, "refused"]].filter(([number]) => number);
  return [`${count(queue.waiting)} waiting`, ...lost.map(([number, word]) => `${count(number)} ${word}`)].join(", ");
}

function showSteps(steps) {
  at("steps-card").hidden = steps.length === 0;
  at("steps").replaceChildren(...steps.map(([name, time]) => {
    const row = document.createElement("tr");
    const head = made("th", name);
    head.scope = "row";
    row.append(head, made("td", ms(time.p50)), made("td", ms(time.p95)));
    return row;
  }));
}

function rate(state) {
  counted.push([state.clock_s, state.frames]);
  if (counted.length > 6) counted.shift();
  const span = state.clock_s - counted[0][0];
  return span > 0 ? (state.frames - counted[0][1]) / span : null;
}

function show(state) {
  const fps = rate(state);
  if (state.size_wh) at("stage").style.aspectRatio = `${state.size_wh[0]} / ${state.size_wh[1]}`;
  if (state.signal) {
    startStream();
    showNothing(streaming ? "" : "Four others are watching; trying again");
    showStatus("live", state.picture_age_s > 15 ? `${Math.round(state.picture_age_s)} s ago` : "live");
    at("rate").textContent = fps === null ? "" : `${fps.toFixed(1)} frames a second`;
  } else {
    stopStream();
    showNothing(state.lost ? "No signal" : "Waiting for the first picture");
    showStatus(state.lost ? "lost" : "wait", state.lost ? "no signal" : "waiting");
  }
  at("rate").hidden = !state.signal;
  at("faces").hidden = !state.signal;
  showFaces(state.faces);
  showTrouble(state.trouble);
  showHealth(state.health, state.health_age_s);
}

async function ask() {
  try {
    const answer = await fetch("state", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    show(await answer.json());
    document.body.dataset.ready = "";
  } catch (error) {
    stopStream();
    counted.length = 0;
    at("rate").hidden = true;
    const refused = error.message === "403";
    showStatus("lost", refused ? "not allowed" : "ended");
    showNothing(refused ? "The program was started anew: open the address that it printed" : "The program does not answer");
  }
}

async function goOn() {
  if (document.hidden) stopStream();
  else await ask();
  setTimeout(goOn, EVERY_MS);
}

at("picture").addEventListener("error", () => {
  if (!streaming) return;
  stopStream();
  tryAt = Date.now() + TRY_AGAIN_MS;
});
document.addEventListener("visibilitychange", () => { if (document.hidden) stopStream(); else ask(); });
goOn();
