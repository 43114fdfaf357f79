// A number that is typed. The text is the person's until it is entered: nothing from the console replaces it before, nor until
// the console has answered what was entered last. What was typed says what it is meant for.
export default {
  inheritAttrs: false,
  template: `
    <q-input v-bind="$attrs" type="number" :model-value="text" @update:model-value="typed" @keydown.enter="enter"
      @keydown.escape="giveUp" @change="enter" @focusout="enter" />`,
  props: { shown: String, about: String, answered: Number, quietMs: Number },
  emits: ["entered"],
  data() {
    return { text: this.shown, isTyped: false, meant: "", sent: this.answered };
  },
  watch: {
    shown() {
      this.show();
    },
    answered() {
      this.show();
    },
    about(now) {
      if (this.isTyped && this.meant !== now) this.enter();
      this.text = this.shown;
    },
  },
  beforeUnmount() {
    this.enter();
  },
  methods: {
    show() {
      if (!this.isTyped && this.answered >= this.sent) this.text = this.shown;
    },
    typed(text) {
      if (!this.isTyped) this.meant = this.about;
      this.text = text === null ? "" : String(text);
      this.isTyped = true;
      clearTimeout(this.waits);
      if (this.quietMs) this.waits = setTimeout(this.send, this.quietMs);
    },
    enter() {
      clearTimeout(this.waits);
      if (!this.isTyped) return;
      this.send();
      this.isTyped = false;
    },
    send() {
      this.sent += 1;
      this.$emit("entered", { about: this.meant, text: this.text, number: this.sent });
    },
    giveUp() {
      clearTimeout(this.waits);
      this.isTyped = false;
      this.text = this.shown;
    },
  },
};
