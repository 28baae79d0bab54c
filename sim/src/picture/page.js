"use strict";
// Draws one run, or two side by side. All text of the run goes through textContent or fillText: none of it is markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const runs = data.runs;
  const HOWS = ["alive", "returned", "panicked", "killed", "lost"];
  const FATES = ["received", "command", "dropped", "lost", "offline", "open"];
  const ROW = 22;
  const NODE_GAP = 8;
  const NARROW = 720;

  const el = (tag, properties = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
      if (key === "class") node.className = value;
      else if (key in node) node[key] = value;
      else node.setAttribute(key, value);
    }
    node.append(...children);
    return node;
  };
  const seconds = (nanos) => {
    const micros = Math.floor(nanos / 1000);
    return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, "0")}s`;
  };
  const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
  /** The first place in a sorted list whose value is not less. */
  const lowerBound = (list, value) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  };

  // ---- the view: all that a link restores --------------------------------------------------------------------------

  const view = { run: 0, event: 0, scaled: false, why: false, query: "", lanes: new Set(), kinds: new Set(), zoom: null, left: 0 };

  for (const run of runs) {
    run.n = run.at.length;
    run.offendingSet = new Set(run.offending);
    run.pastSet = new Set(run.past);
    run.arrowsByStart = run.arrows.map((_, i) => i).sort((a, b) => run.arrows[a][1] - run.arrows[b][1]);
    run.statesByLane = new Map();
    for (const change of run.states) {
      if (!run.statesByLane.has(change[1])) run.statesByLane.set(change[1], []);
      run.statesByLane.get(change[1]).push(change);
    }
    run.arrowsOf = new Map();
    run.arrows.forEach((arrow, i) => {
      for (const end of [arrow[1], arrow[3]]) {
        if (end < 0) continue;
        if (!run.arrowsOf.has(end)) run.arrowsOf.set(end, []);
        run.arrowsOf.get(end).push(i);
      }
    });
  }

  const readLink = () => {
    const link = new URLSearchParams(location.hash.slice(1));
    const number = (key, fallback) => {
      const value = Number(link.get(key));
      return link.has(key) && Number.isFinite(value) ? value : fallback;
    };
    const set = (key) => new Set((link.get(key) || "").split(".").filter((part) => part !== "").map(Number));
    view.run = clamp(Math.floor(number("run", 0)), 0, runs.length - 1);
    const run = runs[view.run];
    const first = run.offending.length ? run.offending[run.offending.length - 1] : Math.max(0, run.n - 1);
    view.event = clamp(Math.floor(number("event", run.parts ?? first)), 0, Math.max(0, run.n - 1));
    view.scaled = link.get("scale") === "time";
    view.why = link.get("why") === "1" && run.past.length > 0;
    view.query = link.get("find") || "";
    view.lanes = set("hide");
    view.kinds = set("without");
    view.zoom = link.has("zoom") ? clamp(number("zoom", 1), 1e-9, 1e6) : null;
    view.left = number("left", 0);
  };
  const linkText = () => {
    const link = new URLSearchParams();
    if (runs.length > 1) link.set("run", view.run);
    link.set("event", view.event);
    if (view.scaled) link.set("scale", "time");
    if (view.why) link.set("why", "1");
    if (view.query) link.set("find", view.query);
    if (view.lanes.size) link.set("hide", [...view.lanes].join("."));
    if (view.kinds.size) link.set("without", [...view.kinds].join("."));
    if (view.zoom !== null) { link.set("zoom", view.zoom.toPrecision(6)); link.set("left", Math.round(view.left)); }
    return "#" + link.toString();
  };
  let linkTimer = 0;
  let ownHash = "";
  const writeLink = () => {
    clearTimeout(linkTimer);
    linkTimer = setTimeout(() => {
      ownHash = linkText();
      try { history.replaceState(null, "", ownHash); } catch { location.replace(ownHash); }
    }, 120);
  };

  // ---- which events and lanes are shown ----------------------------------------------------------------------------

  /** The shown events of a run, in order, and each event's place among them (or of the one before it). */
  const filterRun = (run) => {
    const active = run === runs[view.run];
    run.shown = [];
    run.place = new Float64Array(run.n);
    for (let i = 0; i < run.n; i++) {
      const hidden = (active && view.lanes.has(run.lane[i])) || (active && view.kinds.has(run.kind[i])) || (view.why && run.past.length > 0 && !run.pastSet.has(i));
      run.place[i] = hidden ? run.shown.length - 0.5 : run.shown.length;
      if (!hidden) run.shown.push(i);
    }
    run.shownSet = new Uint8Array(run.n);
    for (const i of run.shown) run.shownSet[i] = 1;
    run.shownLanes = run.lanes.map((_, i) => i).filter((i) => !(active && view.lanes.has(i)) && (!view.why || run.lanes[i].module === 2 || run.shown.some((e) => run.lane[e] === i)));
    run.times = run.shown.map((i) => run.at[i]);
    run.arrowsShown = run.arrowsByStart.filter((i) => run.shownSet[run.arrows[i][1]]);
    run.hitSet = new Set();
    search(run);
  };
  const search = (run) => {
    run.hits = [];
    const query = view.query.toLowerCase();
    if (query) run.hits = run.shown.filter((i) => run.text[i].toLowerCase().includes(query) || `#${i}` === query);
    run.hitSet = new Set(run.hits);
  };

  // ---- the diagram -------------------------------------------------------------------------------------------------

  const colours = {};
  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ink", "soft", "page", "panel", "line", "focus", "mark", "broken", "lane", ...HOWS, "request", "response", "bad", "fault", "durable", "other"]) {
      colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
  };

  class Diagram {
    constructor(run, index) {
      this.run = run;
      this.index = index;
      this.canvas = el("canvas", { tabIndex: 0, role: "img" });
      this.tall = el("div", { class: "tall" });
      this.box = el("div", { class: "diagram" + (runs.length > 1 ? " two" : "") });
      if (runs.length > 1) this.box.append(el("div", { class: "title" }, el("span", {}, run.title)));
      this.box.append(this.tall, this.canvas);
      this.canvas.setAttribute("aria-label", `Diagram of the run: ${run.lanes.length} lanes, ${run.n} events. The list below has the same events as text.`);
      this.box.addEventListener("scroll", () => this.later());
      this.canvas.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
      this.canvas.addEventListener("pointerdown", (event) => this.onDown(event));
      this.canvas.addEventListener("pointermove", (event) => this.onMove(event));
      this.canvas.addEventListener("pointerup", (event) => this.onUp(event));
      this.canvas.addEventListener("pointerleave", () => { this.canvas.title = ""; });
      this.drag = null;
      this.pending = false;
    }
    get narrow() { return this.width < NARROW; }
    get gutter() { return this.narrow ? 8 : this.gutterWide; }
    get laneHeight() { return this.narrow ? 34 : 26; }
    layout() {
      this.width = this.box.clientWidth || 800;
      this.tops = new Map();
      let y = 22;
      let node = -1;
      for (const i of this.run.shownLanes) {
        const lane = this.run.lanes[i];
        if (lane.node !== node) { y += node < 0 ? 0 : NODE_GAP; node = lane.node; }
        this.tops.set(i, y);
        y += this.laneHeight;
      }
      this.height = y + 6;
      const limit = window.innerHeight * (runs.length > 1 ? 0.34 : 0.52);
      this.viewHeight = Math.max(60, Math.min(this.height, limit));
      const ratio = window.devicePixelRatio || 1;
      this.canvas.width = Math.round(this.width * ratio);
      this.canvas.height = Math.round(this.viewHeight * ratio);
      this.canvas.style.height = `${this.viewHeight}px`;
      this.tall.style.height = `${this.height}px`;
      this.box.style.height = `${this.viewHeight + 1}px`;
      const context = this.canvas.getContext("2d");
      context.font = "12px ui-monospace, 'DejaVu Sans Mono', monospace";
      const widest = Math.max(60, ...this.run.shownLanes.map((i) => context.measureText(this.laneName(i)).width));
      this.gutterWide = clamp(Math.ceil(widest) + 22, 90, this.width * 0.34);
    }
    laneName(i) {
      const lane = this.run.lanes[i];
      return lane.module === 2 ? lane.name : `  ${lane.name}`;
    }
    /** How long the axis is at zoom 1: as wide as the diagram. */
    get span() { return Math.max(50, this.width - this.gutter - 24); }
    get zoom() { return view.zoom === null ? 1 : view.zoom; }
    unit() {
      const { run } = this;
      if (view.scaled) {
        const end = run.times.length ? run.times[run.times.length - 1] : 1;
        return (this.span / Math.max(1, end)) * this.zoom;
      }
      return (this.span / Math.max(1, run.shown.length - 1)) * this.zoom;
    }
    x(event) {
      const along = view.scaled ? this.run.at[event] : this.run.place[event];
      return this.gutter + 12 + along * this.u - view.left;
    }
    y(lane) {
      const top = this.tops.get(lane);
      return top === undefined ? undefined : top + this.laneHeight * (this.narrow ? 0.68 : 0.5) - this.scroll;
    }
    later() {
      if (this.pending) return;
      this.pending = true;
      requestAnimationFrame(() => { this.pending = false; this.draw(); });
    }
    draw() {
      const begun = performance.now();
      const { run, canvas } = this;
      if (!this.width) this.layout();
      const ratio = window.devicePixelRatio || 1;
      const g = canvas.getContext("2d");
      this.g = g;
      this.u = this.unit();
      this.scroll = this.box.scrollTop;
      const most = Math.max(0, this.span * this.zoom - this.span * 0.5);
      if (this.index === view.run) view.left = clamp(view.left, -this.span * 0.5, most);
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.fillStyle = colours.page;
      g.fillRect(0, 0, this.width, this.viewHeight);
      g.font = "12px ui-monospace, 'DejaVu Sans Mono', monospace";
      g.textBaseline = "middle";
      // The shown events in sight.
      const low = (view.left - 12) / this.u, high = (view.left - 12 + this.width - this.gutter) / this.u;
      this.from = view.scaled ? lowerBound(run.times, low) : clamp(Math.floor(low), 0, run.shown.length);
      this.to = view.scaled ? lowerBound(run.times, high + 1) : clamp(Math.ceil(high) + 1, 0, run.shown.length);
      this.drawLanes();
      g.save();
      g.beginPath();
      g.rect(this.gutter, 0, this.width - this.gutter, this.viewHeight);
      g.clip();
      this.drawAxis();
      this.drawHighlights();
      this.drawLives();
      this.drawArrows();
      this.drawMarks();
      g.restore();
      this.drawNames();
      this.frame = performance.now() - begun;
    }
    drawLanes() {
      const { g, run } = this;
      for (const i of run.shownLanes) {
        const y = this.y(i);
        if (y < -40 || y > this.viewHeight + 40) continue;
        if (run.lanes[i].module === 2) {
          g.fillStyle = colours.panel;
          const top = this.tops.get(i) - this.scroll;
          g.fillRect(0, top, this.width, this.laneHeight);
        }
        g.strokeStyle = colours.lane;
        g.beginPath();
        g.moveTo(this.gutter, Math.round(y) + 0.5);
        g.lineTo(this.width, Math.round(y) + 0.5);
        g.stroke();
      }
    }
    drawNames() {
      const { g, run } = this;
      if (!this.narrow) {
        g.fillStyle = colours.page;
        g.fillRect(0, 0, this.gutter, this.viewHeight);
      }
      for (const i of run.shownLanes) {
        const lane = run.lanes[i];
        const y = this.narrow ? this.tops.get(i) - this.scroll + 8 : this.y(i);
        if (y < -20 || y > this.viewHeight + 20) continue;
        if (!this.narrow && lane.module === 2) {
          g.fillStyle = colours.panel;
          g.fillRect(0, this.tops.get(i) - this.scroll, this.gutter, this.laneHeight);
        }
        g.font = `${lane.module === 2 ? "bold " : ""}${this.narrow ? 11 : 12}px ui-monospace, 'DejaVu Sans Mono', monospace`;
        let name = this.laneName(i);
        const room = this.narrow ? this.width - 16 : this.gutter - 12;
        if (g.measureText(name).width > room) {
          while (name.length > 4 && g.measureText(name + "…").width > room) name = name.slice(0, -1);
          name += "…";
        }
        if (this.narrow) {
          g.fillStyle = colours.page;
          g.globalAlpha = 0.75;
          g.fillRect(2, y - 7, g.measureText(name).width + 6, 14);
          g.globalAlpha = 1;
        }
        g.fillStyle = lane.module === 1 ? colours.soft : colours.ink;
        g.fillText(name, 6, y);
      }
    }
    drawAxis() {
      const { g, run } = this;
      g.fillStyle = colours.soft;
      g.strokeStyle = colours.line;
      g.font = "11px ui-monospace, 'DejaVu Sans Mono', monospace";
      if (!run.shown.length) {
        g.fillText("no event is shown: see Filter", this.gutter + 12, 11);
        return;
      }
      let last = -1e9;
      const step = Math.max(1, Math.ceil((this.to - this.from) / 200));
      for (let p = this.from - (this.from % step); p < this.to; p += step) {
        if (p < 0) continue;
        const event = run.shown[p];
        const x = this.x(event);
        const label = view.scaled ? seconds(run.at[event]) : `#${event} ${seconds(run.at[event])}`;
        if (x - last < g.measureText(label).width + 14) continue;
        last = x;
        g.fillText(label, x + 3, 9);
        g.beginPath();
        g.moveTo(Math.round(x) + 0.5, 2);
        g.lineTo(Math.round(x) + 0.5, 18);
        g.stroke();
      }
    }
    column(event, colour, width, alpha) {
      const { g } = this;
      const x = this.x(event);
      if (x < this.gutter - 10 || x > this.width + 10) return;
      g.globalAlpha = alpha;
      g.fillStyle = colour;
      g.fillRect(x - width / 2, 0, width, this.viewHeight);
      g.globalAlpha = 1;
    }
    drawHighlights() {
      const { run } = this;
      for (const event of run.offending) this.column(event, colours.bad, 9, 0.22);
      if (run.parts !== undefined && run.parts !== null) this.column(run.parts, colours.fault, 5, 0.5);
      if (run.hits.length && run.hits.length <= 2000) for (const event of run.hits) this.column(event, colours.mark, 7, 0.6);
      if (this.index === view.run) this.column(view.event, colours.focus, 3, 0.85);
    }
    drawLives() {
      const { g, run } = this;
      const half = this.narrow ? 6 : 7;
      // Where many short lives stand on one pixel, one of them is drawn; and one end of those that stand on one another.
      const last = new Float64Array(run.lanes.length).fill(-1e9);
      const lastEnd = new Float64Array(run.lanes.length).fill(-1e9);
      for (const [lane, number, from, to, how] of run.lives) {
        const y = this.y(lane);
        if (y === undefined || y < -30 || y > this.viewHeight + 30) continue;
        const left = Math.max(this.x(from), this.gutter - 20);
        const right = to < 0 ? this.width + 20 : Math.max(this.x(to), left + 2);
        if (right < this.gutter || left > this.width) continue;
        if (right - left < 3 && right - last[lane] < 1) continue;
        last[lane] = right;
        const colour = colours[HOWS[how]];
        g.fillStyle = colour;
        g.globalAlpha = 0.3;
        g.fillRect(left, y - half, right - left, 2 * half);
        g.globalAlpha = 1;
        g.strokeStyle = colour;
        g.lineWidth = 1.5;
        g.strokeRect(left, y - half, right - left, 2 * half);
        g.lineWidth = 1;
        if (right - left > 34) {
          g.fillStyle = colours.ink;
          g.font = "10px ui-monospace, 'DejaVu Sans Mono', monospace";
          g.fillText(`/${number}`, Math.max(left, this.gutter) + 4, y);
        }
        if (to >= 0 && right > this.gutter && right - lastEnd[lane] >= 2) {
          lastEnd[lane] = right;
          this.ending(how, right, y, half);
        }
      }
    }
    /** How a life ended, by shape and not by colour alone. */
    ending(how, x, y, half) {
      const { g } = this;
      const colour = colours[HOWS[how]];
      g.strokeStyle = colour;
      g.fillStyle = colour;
      g.lineWidth = 2.5;
      g.beginPath();
      if (how === 1) { g.moveTo(x, y - half); g.lineTo(x, y + half); g.stroke(); }
      if (how === 2) { g.moveTo(x - half, y - half); g.lineTo(x + half, y + half); g.moveTo(x + half, y - half); g.lineTo(x - half, y + half); g.stroke(); }
      if (how === 3) { g.moveTo(x, y - half - 1); g.lineTo(x + half, y); g.lineTo(x, y + half + 1); g.lineTo(x - half, y); g.closePath(); g.fill(); }
      if (how === 4) { g.moveTo(x - half, y - half); g.lineTo(x + half, y - half); g.lineTo(x, y + half); g.closePath(); g.fill(); }
      g.lineWidth = 1;
    }
    drawArrows() {
      const { run } = this;
      this.labels = [];
      const inSight = [];
      const first = this.from < run.shown.length ? run.shown[this.from] : run.n;
      const last = this.to > 0 ? run.shown[Math.min(this.to, run.shown.length) - 1] : -1;
      // Messages that were sent long before the first event in sight may still arrive in sight: look back some.
      const back = Math.max(0, lowerBoundBy(run.arrowsShown, first, (i) => run.arrows[i][1]) - 400);
      for (let k = back; k < run.arrowsShown.length; k++) {
        const arrow = run.arrows[run.arrowsShown[k]];
        if (arrow[1] > last) break;
        if (arrow[3] >= 0 && arrow[3] < first) continue;
        inSight.push(run.arrowsShown[k]);
      }
      const stride = Math.ceil(inSight.length / 1500) || 1;
      const near = new Set(run.arrowsOf.get(view.event) || []);
      for (let k = 0; k < inSight.length; k += stride) this.arrow(run.arrows[inSight[k]], stride === 1 && near.has(inSight[k]) && this.index === view.run, stride > 1);
    }
    arrow([from, sent, to, end, request, fate, reason], strong, faint) {
      const { g, run } = this;
      const y1 = this.y(from);
      let y2 = this.y(to);
      if (y1 === undefined || y2 === undefined) return;
      const x1 = this.x(sent);
      let x2 = end >= 0 ? this.x(end) : x1 + 26;
      if (Math.max(x1, x2) < this.gutter || Math.min(x1, x2) > this.width) return;
      if ((y1 < -40 && y2 < -40) || (y1 > this.viewHeight + 40 && y2 > this.viewHeight + 40)) return;
      const broken = fate >= 2;
      const guilty = run.offendingSet.has(end) || run.offendingSet.has(sent);
      let colour = request ? colours.request : colours.response;
      if (broken || guilty) colour = colours.bad;
      g.strokeStyle = colour;
      g.fillStyle = colour;
      g.globalAlpha = faint ? 0.35 : strong || guilty ? 1 : 0.75;
      g.lineWidth = strong || guilty ? 2.5 : 1.2;
      g.setLineDash(request ? [] : [5, 3]);
      if (y1 === y2) {
        // To itself: an arc.
        g.beginPath();
        g.moveTo(x1, y1 - 7);
        g.quadraticCurveTo((x1 + x2) / 2, y1 - 20, x2, y1 - 7);
        g.stroke();
        g.setLineDash([]);
        if (broken) this.cross(x2, y1 - 9);
        g.globalAlpha = 1;
        g.lineWidth = 1;
        return;
      }
      if (broken && fate !== 5) {
        // Broken off before the target.
        const part = 0.72;
        x2 = x1 + (x2 - x1) * part;
        y2 = y1 + (y2 - y1) * part;
      } else if (fate === 5) {
        y2 = y1 + (y2 - y1) * 0.45;
        if (end < 0) x2 = x1 + 14;
      } else {
        y2 -= Math.sign(y2 - y1) * (this.narrow ? 6 : 7);
      }
      g.beginPath();
      g.moveTo(x1, y1);
      g.lineTo(x2, y2);
      g.stroke();
      g.setLineDash([]);
      if (broken && fate !== 5) this.cross(x2, y2);
      else if (fate === 5) { g.beginPath(); g.arc(x2, y2, 3, 0, 7); g.stroke(); }
      else this.head(x1, y1, x2, y2, request);
      if (broken && reason && !faint && this.u * (view.scaled ? 1e6 : 1) > 5) {
        g.font = "10px system-ui, sans-serif";
        const wide = g.measureText(reason).width;
        const left = x2 + 7 + wide > this.width ? x2 - 7 - wide : x2 + 7;
        const room = { left, right: left + wide, y: y2 };
        const overlaps = this.labels.some((other) => Math.abs(other.y - room.y) < 11 && other.left < room.right && room.left < other.right);
        if (!overlaps) {
          this.labels.push(room);
          g.fillText(reason, room.left, y2);
        }
      }
      g.globalAlpha = 1;
      g.lineWidth = 1;
    }
    head(x1, y1, x2, y2, filled) {
      const { g } = this;
      const angle = Math.atan2(y2 - y1, x2 - x1);
      g.beginPath();
      g.moveTo(x2 - 8 * Math.cos(angle - 0.4), y2 - 8 * Math.sin(angle - 0.4));
      g.lineTo(x2, y2);
      g.lineTo(x2 - 8 * Math.cos(angle + 0.4), y2 - 8 * Math.sin(angle + 0.4));
      if (filled) { g.closePath(); g.fill(); } else g.stroke();
    }
    cross(x, y) {
      const { g } = this;
      g.lineWidth = 2;
      g.beginPath();
      g.moveTo(x - 4, y - 4); g.lineTo(x + 4, y + 4);
      g.moveTo(x + 4, y - 4); g.lineTo(x - 4, y + 4);
      g.stroke();
      g.lineWidth = 1.2;
    }
    drawMarks() {
      const { g, run } = this;
      // Along the run, a mark that would stand on the last of its kind and lane is left out.
      const last = new Int32Array(run.lanes.length * 8).fill(-1e9);
      for (let p = this.from; p < this.to; p++) {
        const event = run.shown[p];
        const shape = run.marks[event];
        const guilty = run.offendingSet.has(event);
        if (!shape && !guilty) continue;
        const y = this.y(run.lane[event]);
        if (y === undefined || y < -20 || y > this.viewHeight + 20) continue;
        const x = this.x(event);
        const place = run.lane[event] * 8 + shape;
        if (x - last[place] < 3 && !guilty) continue;
        last[place] = x;
        if (shape) this.mark(shape, x, y);
        if (guilty) {
          g.strokeStyle = colours.bad;
          g.lineWidth = 2.5;
          g.beginPath();
          g.arc(x, y, 10, 0, 7);
          g.stroke();
          g.lineWidth = 1;
        }
      }
    }
    /** 1 fault, 2 durable write, 3 boot, 4 capability, 5 print, 6 what is not modelled, 7 the node goes down. */
    mark(shape, x, y) {
      const { g } = this;
      const colour = [0, colours.fault, colours.durable, colours.alive, colours.killed, colours.other, colours.fault, colours.bad][shape];
      g.fillStyle = colour;
      g.strokeStyle = colour;
      g.lineWidth = 1.5;
      g.beginPath();
      if (shape === 1) { g.moveTo(x + 2, y - 9); g.lineTo(x - 4, y + 1); g.lineTo(x, y + 1); g.lineTo(x - 2, y + 9); g.lineTo(x + 5, y - 2); g.lineTo(x + 1, y - 2); g.closePath(); g.fill(); }
      if (shape === 2) { g.rect(x - 3.5, y - 3.5, 7, 7); g.fill(); }
      if (shape === 3) { g.moveTo(x - 4, y - 6); g.lineTo(x + 6, y); g.lineTo(x - 4, y + 6); g.closePath(); g.fill(); }
      if (shape === 4) { g.arc(x - 2, y, 3, 0, 7); g.moveTo(x + 1, y); g.lineTo(x + 7, y); g.moveTo(x + 5, y); g.lineTo(x + 5, y + 3); g.stroke(); }
      if (shape === 5) { g.moveTo(x - 3, y - 3); g.lineTo(x + 3, y - 3); g.moveTo(x - 3, y); g.lineTo(x + 3, y); g.moveTo(x - 3, y + 3); g.lineTo(x + 1, y + 3); g.stroke(); }
      if (shape === 6) { g.font = "bold 12px system-ui, sans-serif"; g.fillText("?", x - 3, y); }
      if (shape === 7) { g.arc(x, y, 6, 0, 7); g.moveTo(x - 4, y - 4); g.lineTo(x + 4, y + 4); g.stroke(); }
      g.lineWidth = 1;
    }
    // -- pointer
    nearest(px, py) {
      const { run } = this;
      let best = -1, distance = 1e9;
      const along = (px - this.gutter - 12 + view.left) / this.u;
      const middle = view.scaled ? lowerBound(run.times, along) : Math.round(along);
      for (let p = Math.max(0, middle - 60); p < Math.min(run.shown.length, middle + 60); p++) {
        const event = run.shown[p];
        const y = this.y(run.lane[event]);
        if (y === undefined) continue;
        const d = Math.abs(this.x(event) - px) * 2 + Math.abs(y - py);
        if (d < distance) { distance = d; best = event; }
      }
      return best;
    }
    onWheel(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) {
        event.preventDefault();
        this.activate();
        zoomAt(Math.exp(-event.deltaY * 0.0022), event.offsetX - this.gutter - 12);
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault();
        this.activate();
        panBy(event.deltaX || event.deltaY);
      }
    }
    activate() {
      if (view.run !== this.index) setRun(this.index);
    }
    onDown(event) {
      this.drag = { x: event.clientX, left: view.left, moved: false };
      this.canvas.setPointerCapture(event.pointerId);
    }
    onMove(event) {
      if (this.drag) {
        const moved = event.clientX - this.drag.x;
        if (Math.abs(moved) > 4) this.drag.moved = true;
        if (this.drag.moved) {
          view.zoom ??= 1;
          view.left = this.drag.left - moved;
          drawAll();
          writeLink();
        }
        return;
      }
      const found = this.nearest(event.offsetX, event.offsetY);
      this.canvas.title = found >= 0 ? `#${found} ${seconds(this.run.at[found])} ${this.run.text[found]}` : "";
    }
    onUp(event) {
      const moved = this.drag && this.drag.moved;
      this.drag = null;
      if (moved) return;
      this.activate();
      const found = this.nearest(event.offsetX, event.offsetY);
      if (found >= 0) select(found);
    }
  }

  const lowerBoundBy = (list, value, key) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (key(list[middle]) < value) low = middle + 1; else high = middle;
    }
    return low;
  };

  const diagrams = runs.map((run, index) => new Diagram(run, index));
  $("diagrams").append(...diagrams.map((diagram) => diagram.box));
  const drawAll = () => diagrams.forEach((diagram) => diagram.later());

  const zoomAt = (factor, anchor) => {
    const diagram = diagrams[view.run];
    const before = view.zoom ?? 1;
    const most = view.scaled ? 1e7 : Math.max(1, (60 * runs[view.run].shown.length) / diagram.span);
    const after = clamp(before * factor, 1, Math.max(1, most));
    view.left = (view.left + anchor) * (after / before) - anchor;
    view.zoom = after === 1 ? null : after;
    if (after === 1) view.left = 0;
    drawAll();
    writeLink();
  };
  const panBy = (pixels) => {
    view.zoom ??= 1;
    view.left += pixels;
    drawAll();
    writeLink();
  };
  /** Brings the selected event into sight. */
  const reveal = () => {
    const diagram = diagrams[view.run];
    if (!diagram.width) diagram.layout();
    diagram.u = diagram.unit();
    diagram.scroll = diagram.box.scrollTop;
    const x = diagram.x(view.event);
    const left = diagram.gutter + 30, right = diagram.width - 60;
    if (view.zoom !== null && (x < left || x > right)) view.left += x - (left + right) / 2;
    const y = diagram.y(diagram.run.lane[view.event]);
    if (y !== undefined && (y < 30 || y > diagram.viewHeight - 20)) diagram.box.scrollTop += y - diagram.viewHeight / 2;
  };

  // ---- the list ----------------------------------------------------------------------------------------------------

  const rows = $("rows");
  const drawRows = () => {
    const run = runs[view.run];
    $("sizer").style.height = `${run.shown.length * ROW}px`;
    const from = Math.max(0, Math.floor(rows.scrollTop / ROW) - 4);
    const to = Math.min(run.shown.length, from + Math.ceil((rows.clientHeight || 300) / ROW) + 8);
    const fragment = document.createDocumentFragment();
    for (let p = from; p < to; p++) {
      const event = run.shown[p];
      const row = el("div", { class: "row", role: "option", id: `event-${event}` });
      if (run.offendingSet.has(event)) row.classList.add("bad");
      if (run.hitSet.has(event)) row.classList.add("hit");
      row.setAttribute("aria-selected", event === view.event);
      row.setAttribute("aria-posinset", p + 1);
      row.setAttribute("aria-setsize", run.shown.length);
      row.style.top = `${p * ROW}px`;
      const lane = run.lanes[run.lane[event]];
      const where = run.nodes.length > 1 || lane.module === 2 ? `${run.nodes[lane.node]} ` : "";
      const mark = run.offendingSet.has(event) ? "✗" : run.hitSet.has(event) ? "•" : " ";
      row.append(el("span", { class: "time" }, `${mark} ${seconds(run.at[event]).padStart(12)} ${`#${event}`.padEnd(6)} ${where}`), run.text[event]);
      row.addEventListener("click", () => select(event));
      fragment.append(row);
    }
    rows.querySelectorAll(".row").forEach((row) => row.remove());
    rows.append(fragment);
    rows.setAttribute("aria-activedescendant", `event-${view.event}`);
    const of = run.shown.length === run.n ? `${run.n}` : `${run.shown.length} of ${run.n}`;
    $("events-title").textContent = `Events: ${of}${runs.length > 1 ? ` (${run.title})` : ""}`;
  };
  const revealRow = () => {
    const run = runs[view.run];
    const place = Math.max(0, lowerBound(run.shown, view.event));
    const top = place * ROW;
    if (top < rows.scrollTop || top + ROW > rows.scrollTop + rows.clientHeight) {
      rows.scrollTop = top - rows.clientHeight / 4;
    }
  };
  rows.addEventListener("scroll", () => requestAnimationFrame(drawRows));

  // ---- the moment --------------------------------------------------------------------------------------------------

  const FIELDS = ["life", "status", "on exit", "mailbox", "waits for", "capabilities", "saved state", "row on disk"];
  const drawMoment = () => {
    const run = runs[view.run];
    const box = $("moment");
    box.replaceChildren();
    if (!run.n) return;
    const event = view.event;
    const lane = run.lanes[run.lane[event]];
    const info = el("div", { class: "event" });
    info.append(el("b", {}, `#${event}`), ` at ${seconds(run.at[event])} on ${run.nodes[lane.node]}`);
    info.append(el("pre", {}, run.text[event]));
    if (run.offendingSet.has(event)) info.append(el("div", { class: "bad" }, "This event is part of the violation."));
    const jump = (label, target) => {
      const button = el("button", { class: "jump" }, `${label} #${target}`);
      button.title = run.text[target];
      button.addEventListener("click", () => select(target));
      return button;
    };
    if (run.cause[event] !== event) info.append("caused by ", jump("", run.cause[event]), " ");
    for (const i of run.arrowsOf.get(event) || []) {
      const [, sent, , end, , fate, reason] = run.arrows[i];
      if (sent === event && end >= 0 && end !== event) info.append(fate >= 2 ? "went wrong at " : "arrives at ", jump("", end), reason ? ` (${reason}) ` : " ");
      if (sent === event && end < 0) info.append("is not received. ");
      if (end === event && sent !== event) info.append("sent at ", jump("", sent), " ");
    }
    box.append(el("h2", {}, "At this event, after the step that it belongs to"), info);
    if (!run.has_states) box.append(el("p", {}, "This run was drawn from its trace, which does not hold the states of processes."));
    const strings = run.strings;
    run.lanes.forEach((each, index) => {
      const changes = run.statesByLane.get(index);
      if (!changes) return;
      const place = lowerBoundBy(changes, event + 1, (change) => change[0]) - 1;
      if (place < 0) return;
      const change = changes[place], before = changes[place - 1];
      if (change[2] < 0 && change[0] !== event) return;
      const table = el("table", {}, el("caption", {}, `${run.nodes.length > 1 ? run.nodes[each.node] + " " : ""}${each.name}`));
      if (change[2] < 0) {
        table.append(el("tr", { class: "changed" }, el("th", {}, "status"), el("td", {}, "not in the table")));
      } else {
        FIELDS.forEach((field, k) => {
          const value = strings[change[2 + k]];
          const changed = change[0] === event && before && before[2 + k] !== change[2 + k];
          if (value === "" && !changed) return;
          table.append(el("tr", changed ? { class: "changed" } : {}, el("th", {}, field), el("td", {}, value === "" ? "none" : value)));
        });
      }
      box.append(table);
    });
  };

  // ---- doing -------------------------------------------------------------------------------------------------------

  const update = () => {
    const pressed = (id, on) => $(id).setAttribute("aria-pressed", on);
    pressed("even", !view.scaled);
    pressed("scaled", view.scaled);
    pressed("why", view.why);
    const run = runs[view.run];
    $("why").disabled = run.past.length === 0;
    $("why").textContent = run.past.length ? `Only the causal past (${run.past.length} of ${run.n})` : "Only the causal past";
    $("seen").disabled = run.offending.length === 0;
    $("query").value = view.query;
    $("hits").textContent = view.query ? `${run.hits.length ? Math.max(0, run.hits.indexOf(view.event)) + 1 : 0} of ${run.hits.length}` : "";
    diagrams.forEach((diagram) => diagram.box.classList.toggle("inactive", runs.length > 1 && diagram.index !== view.run));
    [...$("runs").children].forEach((button, i) => button.setAttribute("aria-pressed", i === view.run));
    drawRows();
    drawMoment();
    drawAll();
  };
  const refilter = () => {
    runs.forEach(filterRun);
    diagrams.forEach((diagram) => diagram.layout());
    reveal();
    update();
    revealRow();
    writeLink();
  };
  const select = (event) => {
    view.event = clamp(event, 0, Math.max(0, runs[view.run].n - 1));
    reveal();
    revealRow();
    update();
    writeLink();
  };
  const step = (by) => {
    const { shown } = runs[view.run];
    if (!shown.length) return;
    let place = lowerBound(shown, view.event);
    if (shown[place] !== view.event && by > 0) place -= 1;
    select(shown[clamp(place + by, 0, shown.length - 1)]);
  };
  const setRun = (index) => {
    view.run = index;
    view.event = clamp(view.event, 0, Math.max(0, runs[index].n - 1));
    refilter();
    drawFilters();
  };
  const setScaled = (scaled) => {
    view.scaled = scaled;
    view.zoom = null;
    view.left = 0;
    reveal();
    update();
    writeLink();
  };
  const setWhy = (why) => {
    view.why = why && runs[view.run].past.length > 0;
    view.zoom = null;
    view.left = 0;
    refilter();
  };
  const find = (by) => {
    const { hits } = runs[view.run];
    if (!hits.length) return;
    let place = lowerBound(hits, view.event);
    if (by > 0) place = hits[place] === view.event ? place + 1 : place;
    else place -= 1;
    select(hits[(place + hits.length) % hits.length]);
  };
  const toggle = (button, panel) => {
    const open = panel.hidden;
    panel.hidden = !open;
    button.setAttribute("aria-expanded", open);
    return open;
  };
  const copy = async (text, button) => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = el("textarea", { value: text });
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
    }
    const label = button.dataset.label ??= button.textContent;
    button.textContent = done ? "Copied" : "Press Ctrl-C";
    setTimeout(() => { button.textContent = label; }, 1200);
  };
  let dark = false;
  const setTheme = (wanted) => {
    dark = wanted;
    document.documentElement.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    readColours();
    drawLegend();
    drawAll();
  };

  // ---- what stands around it ---------------------------------------------------------------------------------------

  const drawHead = () => {
    const head = $("head");
    const first = runs[0];
    const title = el("h1");
    const rule = first.broken[0];
    if (runs.length > 1) title.append(data.title);
    else if (rule) title.append(el("span", { class: "verdict" }, `${rule.rule}: BROKEN`), ` in ${first.scenario}`);
    else title.append(el("span", { class: first.verdict === "held" ? "verdict held" : "verdict" }, first.verdict === "held" ? "Every rule held" : "Neither held nor broken"), ` in ${first.scenario}`);
    head.append(title);
    if (data.note) head.append(el("p", { class: "says" }, data.note));
    for (const run of runs) {
      if (runs.length > 1) head.append(el("h3", { class: "meta" }, `${run.title}: ${run.broken.length ? run.broken.map((each) => each.rule).join(", ") + " BROKEN" : run.verdict}`));
      run.broken.forEach((each) => {
        const label = run.broken.length > 1 ? `${each.rule} ` : "";
        head.append(el("p", { class: "says" }, el("b", {}, `${label}The rule: `.replace(/^(\S+) The/, "$1, the")), each.says));
        head.append(el("p", { class: "facts" }, el("b", {}, "What happened: "), each.facts));
      });
      if (run.limit) head.append(el("p", { class: "facts" }, `The run reached a bound of the simulator: ${run.limit}.`));
      const button = el("button", {}, "Copy");
      button.setAttribute("aria-label", "Copy the replay line");
      button.addEventListener("click", () => copy(run.replay, button));
      if (run.replay) head.append(el("div", { class: "replay" }, el("pre", { class: "line" }, run.replay), button));
      head.append(el("p", { class: "meta" }, `kernel ${run.kernel}, ${run.programs} programs, ${run.n} events, fingerprint ${run.fingerprint}`));
      const list = (name, lines) => el("details", {}, el("summary", {}, `${name}: ${lines.length} ${lines.length === 1 ? "line" : "lines"}`), el("pre", {}, lines.join("\n")));
      if (run.plan.length) {
        const plan = list("Plan", run.plan);
        plan.open = run.plan.length <= 4 && runs.length === 1;
        head.append(plan);
      } else head.append(el("p", { class: "meta" }, "The calm run: the plan is empty."));
      if (run.script.length) head.append(list("Script", run.script));
    }
  };
  const drawLegend = () => {
    const items = [
      ...[["alive", 0], ["returned", 1], ["panicked", 2], ["killed", 3], ["lost with its node", 4]].map(([name, how]) => [name, (d) => {
        d.g.fillStyle = colours[HOWS[how]];
        d.g.globalAlpha = 0.3;
        d.g.fillRect(0, 2, 24, 10);
        d.g.globalAlpha = 1;
        d.g.strokeStyle = colours[HOWS[how]];
        d.g.strokeRect(0.5, 2.5, 24, 9);
        d.ending(how, 24, 7, 5);
      }]),
      ["request", (d) => { d.g.strokeStyle = d.g.fillStyle = colours.request; line(d.g); d.head(0, 7, 30, 7, true); }],
      ["response", (d) => { d.g.strokeStyle = colours.response; d.g.setLineDash([5, 3]); line(d.g); d.g.setLineDash([]); d.head(0, 7, 30, 7, false); }],
      ["dropped or lost", (d) => { d.g.strokeStyle = colours.bad; line(d.g); d.cross(24, 7); }],
      ["fault", (d) => d.mark(1, 15, 7)],
      ["node goes down", (d) => d.mark(7, 15, 7)],
      ["node boots", (d) => d.mark(3, 15, 7)],
      ["durable write", (d) => d.mark(2, 15, 7)],
      ["capability", (d) => d.mark(4, 15, 7)],
      ["print", (d) => d.mark(5, 15, 7)],
      ["part of the violation", (d) => { d.g.strokeStyle = colours.bad; d.g.lineWidth = 2; d.g.beginPath(); d.g.arc(15, 7, 6, 0, 7); d.g.stroke(); }],
    ];
    const line = (g) => { g.beginPath(); g.moveTo(0, 7); g.lineTo(29, 7); g.stroke(); };
    $("legend").replaceChildren(...items.map(([name, paint]) => {
      const canvas = el("canvas");
      const ratio = window.devicePixelRatio || 1;
      canvas.width = 34 * ratio;
      canvas.height = 14 * ratio;
      const g = canvas.getContext("2d");
      g.scale(ratio, ratio);
      g.textBaseline = "middle";
      const pen = Object.create(Diagram.prototype);
      pen.g = g;
      paint(pen);
      return el("span", {}, canvas, name);
    }));
  };
  const drawFilters = () => {
    const run = runs[view.run];
    const used = new Set(run.kind);
    const box = (label, set, key) => {
      const input = el("input", { type: "checkbox", checked: !set.has(key) });
      input.addEventListener("change", () => {
        if (input.checked) set.delete(key); else set.add(key);
        refilter();
      });
      return el("label", {}, input, label);
    };
    const all = (set, keys, text) => {
      const button = el("button", { class: "jump", type: "button" }, text);
      button.addEventListener("click", () => {
        keys.forEach((key) => (text === "all" ? set.delete(key) : set.add(key)));
        refilter();
        drawFilters();
      });
      return button;
    };
    const laneKeys = run.lanes.map((_, i) => i);
    const kindKeys = run.kinds.map((_, i) => i).filter((i) => used.has(i));
    $("filters").replaceChildren(
      el("fieldset", {}, el("legend", {}, "Processes ", all(view.lanes, laneKeys, "all"), " ", all(view.lanes, laneKeys, "none")), ...laneKeys.map((i) => box(run.lanes[i].module === 2 ? run.lanes[i].name : `${run.nodes[run.lanes[i].node]} ${run.lanes[i].name}`, view.lanes, i))),
      el("fieldset", {}, el("legend", {}, "Kinds of events ", all(view.kinds, kindKeys, "all"), " ", all(view.kinds, kindKeys, "none")), ...kindKeys.map((i) => box(run.kinds[i], view.kinds, i))),
    );
  };
  const KEYS = [
    ["→ or j", "next event", () => step(1)], ["← or k", "previous event", () => step(-1)],
    ["Shift →", "ten events on", null], ["Shift ←", "ten events back", null],
    ["Home", "first event", () => step(-1e9)], ["End", "last event", () => step(1e9)],
    ["v", "the violation", null], ["c", "the cause of this event", null],
    ["w", "only the causal past", null], ["t", "even steps or time to scale", null],
    ["+  -", "zoom", null], ["0", "the whole run", null],
    ["/", "search", null], ["n  N", "next, previous match", null],
    ["f", "filter", null], ["r", "the other run", null], ["?", "these keys", null], ["Esc", "close, clear the search", null],
  ];
  $("keys").append(el("dl", {}, ...KEYS.map(([key, does]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)))));

  const violation = () => {
    const { offending } = runs[view.run];
    if (offending.length) select(offending[offending.length - 1]);
  };
  const fit = () => { view.zoom = null; view.left = 0; drawAll(); writeLink(); };
  const zoomHere = (factor) => {
    const diagram = diagrams[view.run];
    diagram.u = diagram.unit();
    zoomAt(factor, clamp(diagram.x(view.event) - diagram.gutter - 12, 0, diagram.span));
  };
  $("even").addEventListener("click", () => setScaled(false));
  $("scaled").addEventListener("click", () => setScaled(true));
  $("in").addEventListener("click", () => zoomHere(1.6));
  $("out").addEventListener("click", () => zoomHere(1 / 1.6));
  $("fit").addEventListener("click", fit);
  $("prev").addEventListener("click", () => step(-1));
  $("next").addEventListener("click", () => step(1));
  $("seen").addEventListener("click", violation);
  $("why").addEventListener("click", () => setWhy(!view.why));
  $("filter").addEventListener("click", () => { if (toggle($("filter"), $("filters"))) drawFilters(); });
  $("help").addEventListener("click", () => toggle($("help"), $("keys")));
  $("theme").addEventListener("click", () => setTheme(!dark));
  $("link").addEventListener("click", () => copy(location.href.split("#")[0] + linkText(), $("link")));
  $("query").addEventListener("input", () => {
    view.query = $("query").value;
    runs.forEach(search);
    const run = runs[view.run];
    if (run.hits.length && !run.hitSet.has(view.event)) select(run.hits[lowerBound(run.hits, view.event) % run.hits.length]);
    else update();
    writeLink();
  });
  $("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); find(event.shiftKey ? -1 : 1); }
    if (event.key === "Escape") { view.query = ""; runs.forEach(search); update(); writeLink(); rows.focus(); }
    event.stopPropagation();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target instanceof HTMLInputElement && target.type !== "checkbox") return;
    const does = {
      ArrowRight: () => step(event.shiftKey ? 10 : 1), ArrowLeft: () => step(event.shiftKey ? -10 : -1),
      ArrowDown: target === rows ? () => step(1) : null, ArrowUp: target === rows ? () => step(-1) : null,
      j: () => step(1), k: () => step(-1), Home: () => step(-1e9), End: () => step(1e9),
      v: violation, c: () => select(runs[view.run].cause[view.event]), w: () => setWhy(!view.why), t: () => setScaled(!view.scaled),
      "+": () => zoomHere(1.6), "=": () => zoomHere(1.6), "-": () => zoomHere(1 / 1.6), 0: fit,
      "/": () => $("query").focus(), n: () => find(1), N: () => find(-1),
      f: () => $("filter").click(), r: () => { if (runs.length > 1) setRun((view.run + 1) % runs.length); }, "?": () => $("help").click(),
      Escape: () => { for (const [button, panel] of [["filter", "filters"], ["help", "keys"]]) if (!$(panel).hidden) toggle($(button), $(panel)); },
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
  window.addEventListener("resize", () => { diagrams.forEach((diagram) => diagram.layout()); update(); });
  window.addEventListener("hashchange", () => {
    if (location.hash === ownHash) return;
    readLink();
    refilter();
  });
  if (runs.length > 1) {
    $("runs").hidden = false;
    $("runs").append(...runs.map((run, index) => {
      const button = el("button", {}, run.title);
      button.addEventListener("click", () => setRun(index));
      return button;
    }));
  }
  // For tests: how long the last frame took to draw.
  window.kinodeSim = { frames: () => diagrams.map((diagram) => diagram.frame), draw: () => diagrams.forEach((diagram) => diagram.draw()), view };

  readLink();
  drawHead();
  readColours();
  runs.forEach(filterRun);
  diagrams.forEach((diagram) => diagram.layout());
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => setTheme(event.matches));
  reveal();
  update();
  revealRow();
  drawRows();
  document.body.dataset.ready = "yes";
})();
