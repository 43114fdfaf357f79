// A picture with shapes over it: zoom, pan, choose, draw and resize. All texts are escaped by Vue.
const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];
const CLICK_PX = 4;
const VIEWED = "ilemtrack-viewed"; // pictures of a group show the same part

export default {
  template: `
    <svg ref="svg" class="picture" :class="'tool-' + tool" :viewBox="view.join(' ')" tabindex="0" role="group"
      :aria-label="label" preserveAspectRatio="xMidYMid meet" @wheel.prevent="wheel" @pointerdown="down"
      @pointermove="move" @pointerup="up" @pointercancel="cancel" @keydown="key">
      <image v-for="one in images" :key="one.id" :href="one.href" :x="one.box[0]" :y="one.box[1]"
        :width="one.box[2] - one.box[0]" :height="one.box[3] - one.box[1]" :transform="one.transform" preserveAspectRatio="none" />
      <template v-for="one in shapes" :key="one.id">
        <polyline v-if="one.open" :class="one.look" :points="one.points" fill="none" vector-effect="non-scaling-stroke">
          <title>{{ one.title }}</title></polyline>
        <polygon v-else-if="one.points" :class="['shape', one.look, { chosen: one.id && one.id === chosen }]" :data-id="one.id"
          :points="one.points" :transform="shift(one)" vector-effect="non-scaling-stroke"><title>{{ one.title }}</title></polygon>
        <rect v-else :class="['shape', one.look, { chosen: one.id && one.id === chosen }]" :data-id="one.id"
          :x="box(one)[0]" :y="box(one)[1]" :width="box(one)[2] - box(one)[0]" :height="box(one)[3] - box(one)[1]"
          vector-effect="non-scaling-stroke"><title>{{ one.title }}</title></rect>
        <text v-if="one.text && one.size / unit > 34" class="shape-text" :x="one.at[0]" :y="one.at[1]"
          :font-size="12 * unit">{{ one.text }}</text>
      </template>
      <rect v-if="drawn" class="drawn" :x="drawn[0]" :y="drawn[1]" :width="drawn[2] - drawn[0]"
        :height="drawn[3] - drawn[1]" vector-effect="non-scaling-stroke" />
      <template v-if="turner">
        <line class="turner-arm" :x1="turner.middle[0]" :y1="turner.middle[1]" :x2="turner.x" :y2="turner.y"
          :transform="shift(turner)" vector-effect="non-scaling-stroke" />
        <circle class="handle turner" data-turn="1" :cx="turner.x" :cy="turner.y" :r="7 * unit" :transform="shift(turner)"
          vector-effect="non-scaling-stroke" />
      </template>
      <rect v-for="one in handles" :key="'handle' + one.n" class="handle" :data-handle="one.n" :x="one.x - 5 * unit"
        :y="one.y - 5 * unit" :width="10 * unit" :height="10 * unit" vector-effect="non-scaling-stroke" />
    </svg>`,
  props: { label: String, whole: Array, images: Array, shapes: Array, chosen: String, tool: String, editable: Boolean, group: String },
  data() {
    return { view: [...this.whole], unit: 1, drawn: null, moved: null, shifted: null, drag: null, pointers: {} };
  },
  computed: {
    handles() {
      const one = this.editable && this.shapes.find((s) => s.id === this.chosen && s.box);
      if (!one) return [];
      const [x0, y0, x1, y1] = this.box(one);
      return HANDLES.map(([x, y], n) => ({ n, x: x0 + x * (x1 - x0), y: y0 + y * (y1 - y0) }));
    },
    turner() {
      const one = this.tool === "edit" && this.editable && this.shapes.find((s) => s.id && s.id === this.chosen && s.middle);
      return one && { id: one.id, middle: one.middle, x: one.middle[0], y: one.middle[1] - one.reach - 24 * this.unit };
    },
  },
  watch: {
    whole(now, before) {
      if (now.join() !== before.join()) this.fit();
    },
    shapes() {
      // A refresh in the middle of a drag must not lose it.
      if (!this.drag) this.moved = this.shifted = null;
    },
    view(now) {
      if (this.group) window.dispatchEvent(new CustomEvent(VIEWED, { detail: { group: this.group, view: now } }));
    },
  },
  mounted() {
    this.resizes = new ResizeObserver(() => this.measure());
    this.resizes.observe(this.$refs.svg);
    window.addEventListener(VIEWED, this.follow);
    this.fit();
  },
  unmounted() {
    window.removeEventListener(VIEWED, this.follow);
    this.resizes.disconnect();
  },
  methods: {
    fit() {
      this.view = [...this.whole];
      this.$nextTick(this.measure);
    },
    follow({ detail }) {
      if (detail.group !== this.group || detail.view.join() === this.view.join()) return;
      this.view = [...detail.view];
      this.$nextTick(this.measure);
    },
    measure() {
      const matrix = this.$refs.svg?.getScreenCTM();
      if (matrix && matrix.a > 0) this.unit = 1 / matrix.a;
    },
    box(one) {
      return this.moved && this.moved.id === one.id ? this.moved.box : one.box;
    },
    shift(one) {
      const now = this.shifted;
      if (!now || !one.id || now.id !== one.id) return undefined;
      return `translate(${now.by.join(" ")}) rotate(${-now.degrees} ${now.middle.join(" ")})`;
    },
    place(event) {
      return this.at(event.clientX, event.clientY);
    },
    at(left, top) {
      // From the view and not from the matrix of the SVG, which follows it a frame later.
      const { x, y, width, height } = this.$refs.svg.getBoundingClientRect();
      const unit = Math.max(this.view[2] / width, this.view[3] / height);
      return [
        this.view[0] + this.view[2] / 2 + (left - x - width / 2) * unit,
        this.view[1] + this.view[3] / 2 + (top - y - height / 2) * unit,
      ];
    },
    zoom(factor, at) {
      const [x, y, w, h] = this.view;
      const [cx, cy] = at || [x + w / 2, y + h / 2];
      const wide = Math.min(Math.max(w / factor, this.whole[2] / 60), this.whole[2] * 1.5);
      const part = wide / w;
      this.view = [cx - (cx - x) * part, cy - (cy - y) * part, wide, h * part];
      this.$nextTick(this.measure);
    },
    pan(dx, dy) {
      this.view = [this.view[0] + dx, this.view[1] + dy, this.view[2], this.view[3]];
    },
    show(id) {
      const one = this.shapes.find((s) => s.id === id && (s.box || s.middle));
      if (!one) return;
      const [mx, my] = one.middle || [];
      const [x0, y0, x1, y1] = one.box || [mx - one.reach, my - one.reach, mx + one.reach, my + one.reach];
      const [x, y, w, h] = this.view;
      // What is in sight already stays where it is.
      if (x0 >= x && y0 >= y && x1 <= x + w && y1 <= y + h) return;
      this.view = [(x0 + x1) / 2 - w / 2, (y0 + y1) / 2 - h / 2, w, h];
    },
    wheel(event) {
      this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, this.place(event));
    },
    down(event) {
      if (event.button) return;
      this.$refs.svg.setPointerCapture(event.pointerId);
      this.pointers[event.pointerId] = [event.clientX, event.clientY];
      const at = this.place(event);
      if (Object.keys(this.pointers).length > 1) {
        this.drawn = this.moved = this.shifted = null;
        this.drag = { kind: "pinch", apart: this.apart(), middle: this.middle() };
      } else if (event.target.dataset.handle !== undefined) {
        const one = this.shapes.find((s) => s.id === this.chosen);
        this.drag = { kind: "resize", handle: HANDLES[event.target.dataset.handle], id: one.id, box: [...one.box] };
      } else if (event.target.dataset.turn) {
        this.drag = { kind: "turn", id: this.turner.id, middle: this.turner.middle, at };
      } else if (this.tool === "edit" && this.editable && event.target.dataset.id && event.target.dataset.id === this.chosen) {
        const middle = this.shapes.find((s) => s.id === this.chosen)?.middle;
        this.drag = { kind: "carry", id: this.chosen, middle, at, from: [event.clientX, event.clientY] };
      } else if (this.tool === "draw") this.drag = { kind: "draw", at, from: [event.clientX, event.clientY], id: event.target.dataset.id };
      else this.drag = { kind: "look", at, from: [event.clientX, event.clientY], id: event.target.dataset.id };
    },
    move(event) {
      if (!this.drag) return;
      this.pointers[event.pointerId] = [event.clientX, event.clientY];
      const at = this.place(event);
      const drag = this.drag;
      if (drag.kind === "pinch") {
        if (Object.keys(this.pointers).length < 2) return;
        // The ground between the fingers stays between them.
        const [apart, middle] = [this.apart(), this.middle()];
        const [before, now] = [this.at(...drag.middle), this.at(...middle)];
        this.pan(before[0] - now[0], before[1] - now[1]);
        this.zoom(apart / drag.apart, before);
        [drag.apart, drag.middle] = [apart, middle];
      } else if (drag.kind === "resize") {
        const box = [...drag.box];
        for (const axis of [0, 1]) {
          if (drag.handle[axis] === 0) box[axis] = Math.min(at[axis], box[axis + 2] - 1);
          if (drag.handle[axis] === 1) box[axis + 2] = Math.max(at[axis], box[axis] + 1);
        }
        this.moved = { id: drag.id, box: this.inside(box) };
      } else if (drag.kind === "turn") {
        const way = ([x, y]) => Math.atan2(drag.middle[1] - y, x - drag.middle[0]);
        const degrees = ((way(at) - way(drag.at)) * 180) / Math.PI;
        this.shifted = { id: drag.id, by: [0, 0], degrees, middle: drag.middle };
      } else if (drag.kind === "carry") {
        if (!this.shifted && this.near(event, drag)) return;
        this.shifted = { id: drag.id, by: [at[0] - drag.at[0], at[1] - drag.at[1]], degrees: 0, middle: [0, 0] };
      } else if (drag.kind === "draw") {
        if (!this.drawn && this.near(event, drag)) return;
        const [a, b] = [drag.at, at];
        this.drawn = this.inside([Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])]);
      } else if (drag.panned || !this.near(event, drag)) {
        drag.panned = true;
        this.pan(drag.at[0] - at[0], drag.at[1] - at[1]);
      }
    },
    up(event) {
      const drag = this.drag;
      if (drag?.kind === "look" && !drag.panned) {
        if (this.tool === "add") this.$emit("placed", { at: drag.at });
        else this.$emit("choose", { id: drag.id || "" });
      }
      if (drag?.kind === "carry" && this.shifted) this.$emit("moved", { id: drag.id, by: this.shifted.by, from: drag.middle });
      if (drag?.kind === "turn" && this.shifted) this.$emit("turned", { id: drag.id, degrees: this.shifted.degrees });
      if (drag?.kind === "resize" && this.moved) this.$emit("resized", { id: drag.id, box: this.moved.box });
      if (drag?.kind === "draw" && this.drawn) this.$emit("drawn", { box: this.drawn });
      else if (drag?.kind === "draw") this.$emit("choose", { id: drag.id || "" });
      this.stop(event);
    },
    cancel(event) {
      this.moved = this.shifted = null;
      this.stop(event);
    },
    stop(event) {
      delete this.pointers[event.pointerId];
      this.drag = this.drawn = null;
      // A finger that stays goes on to move the picture.
      const left = Object.values(this.pointers);
      if (left.length === 1) this.drag = { kind: "look", at: this.at(...left[0]), from: left[0], panned: true };
    },
    near(event, drag) {
      return Math.hypot(event.clientX - drag.from[0], event.clientY - drag.from[1]) <= CLICK_PX;
    },
    middle() {
      const [a, b] = Object.values(this.pointers);
      return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    },
    apart() {
      const [a, b] = Object.values(this.pointers);
      return Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
    },
    inside(box) {
      const [x, y, w, h] = this.whole;
      const round = (value, low, high) => Math.round(Math.min(Math.max(value, low), high));
      return [round(box[0], x, x + w), round(box[1], y, y + h), round(box[2], x, x + w), round(box[3], y, y + h)];
    },
    key(event) {
      const step = this.view[2] / 10;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (moves[event.key] && !event.shiftKey && !event.ctrlKey && !event.metaKey) this.pan(...moves[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.25);
      else if (event.key === "-") this.zoom(0.8);
      else if (event.key === "0") this.fit();
      else return;
      event.preventDefault();
    },
  },
};
