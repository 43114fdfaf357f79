// Search runs in a worker, which browsers refuse to pages that are opened as files. A hidden frame takes its place.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.onmessage = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.documentElement.append(this.frame);
      const inside = this.frame.contentWindow;
      // Firefox would load the empty page once more, over what is put there.
      inside.document.open();
      inside.document.close();
      // The script of the worker calls postMessage to answer. Like a worker's, messages arrive after the event in hand.
      inside.postMessage = (data) => setTimeout(() => {
        const message = new MessageEvent("message", { data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      });
      const script = inside.document.createElement("script");
      script.src = address;
      this.ready = new Promise((done) => { script.onload = done; });
      inside.document.documentElement.append(script);
    }

    postMessage(data) {
      const copy = structuredClone(data);
      this.ready.then(() => setTimeout(() => {
        const inside = this.frame.contentWindow;
        inside.dispatchEvent(new inside.MessageEvent("message", { data: copy }));
      }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
