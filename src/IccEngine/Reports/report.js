// What the page can do beyond being read: values under the pointer or the focus, and the choice of layer and head.
(function () {
  "use strict";
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);

  function show(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 12, innerWidth - box.width - 4)) + "px";
    tip.style.top = (y + 16 + box.height > innerHeight ? Math.max(4, y - box.height - 10) : y + 16) + "px";
  }

  function hide() {
    tip.hidden = true;
    document.querySelectorAll(".hot").forEach(mark => mark.classList.remove("hot"));
  }

  // A mark says what it is; the same point in the other drawings lights up with it.
  function light(mark, x, y) {
    hide();
    const same = mark.dataset.i === undefined ? [mark] : document.querySelectorAll('.mark[data-i="' + mark.dataset.i + '"]');
    same.forEach(other => other.classList.add("hot"));
    show(mark.dataset.tip.replaceAll(" · ", "\n"), x, y);
  }

  function lightFocused() {
    const mark = document.activeElement.closest(".marks .mark");
    if (mark) {
      const box = mark.getBoundingClientRect();
      light(mark, box.right, box.bottom);
    } else {
      hide();
    }
  }

  document.querySelectorAll(".marks").forEach(group => {
    const marks = [...group.querySelectorAll(".mark")];
    marks.forEach((mark, at) => {
      const title = mark.querySelector("title");
      mark.dataset.tip = title.textContent;
      mark.setAttribute("aria-label", title.textContent);
      mark.setAttribute("role", "img");
      mark.setAttribute("tabindex", at === 0 ? "0" : "-1");
      title.remove();
    });
    const markOf = event => event.target.closest(".mark");
    group.addEventListener("pointerover", event => markOf(event) && light(markOf(event), event.clientX, event.clientY));
    group.addEventListener("pointerout", event => event.pointerType === "mouse" && hide());
    group.addEventListener("focusin", lightFocused);
    group.addEventListener("focusout", hide);
    group.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const at = marks.indexOf(event.target);
      if (event.key === "Escape") {
        hide();
      } else if (step) {
        const next = marks[(at + step + marks.length) % marks.length];
        marks[at].setAttribute("tabindex", "-1");
        next.setAttribute("tabindex", "0");
        next.focus();
        event.preventDefault();
      }
    });
  });
  document.addEventListener("pointerdown", event => event.target.closest(".mark, svg.map") || hide());
  // Going to a mark may scroll the page.
  addEventListener("scroll", lightFocused, { passive: true });

  const map = document.querySelector("svg.map");
  if (!map) {
    return;
  }
  const image = map.querySelector("image");
  const cells = Number(map.dataset.cells);
  const order = map.dataset.order ? map.dataset.order.split(" ") : null;
  const blocks = map.dataset.labels.split("|").map(part => part.split(":"));
  const all = [...document.querySelectorAll("data.map")];
  const [layer, head] = [document.getElementById("layer"), document.getElementById("head")];
  const data = () => all.find(one => one.dataset.layer === layer.value && one.dataset.head === head.value);

  // Pixels are colours of the ramp: which one it is says the value.
  let pixels = null;
  const levels = new Map();
  function pixelsOf(address, then) {
    const picture = new Image();
    picture.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(picture, 0, 0);
      then(context.getImageData(0, 0, canvas.width, canvas.height).data);
    };
    picture.src = address;
  }
  const key = (bytes, at) => bytes[4 * at] * 65536 + bytes[4 * at + 1] * 256 + bytes[4 * at + 2];
  pixelsOf(document.getElementById("ramp").src, bytes => {
    for (let i = 0; i < 256; i++) {
      levels.set(key(bytes, i), i);
    }
  });

  function choose() {
    // Not every head is there for every entry.
    const chosen = data() || all.find(one => one.dataset.layer === layer.value);
    head.value = chosen.dataset.head;
    image.setAttribute("href", chosen.value);
    document.getElementById("from").textContent = chosen.dataset.from;
    document.getElementById("to").textContent = chosen.dataset.to;
    const means = chosen.dataset.means.split(" ");
    document.querySelectorAll("table.means td").forEach((cell, i) => { cell.textContent = means[i]; });
    pixels = null;
    pixelsOf(chosen.value, bytes => { pixels = bytes; });
  }
  layer.addEventListener("change", choose);
  head.addEventListener("change", choose);
  choose();

  const name = cell => {
    const cluster = blocks.find(block => Number(block[1]) > cell)[0];
    return order ? map.dataset.noun + " " + (Number(order[cell]) + Number(map.dataset.first)) + " (" + cluster + ")" : cluster;
  };
  map.addEventListener("pointermove", event => {
    const box = image.getBoundingClientRect();
    const place = (at, from, size) => Math.floor((at - from) / size * cells);
    const [row, column] = [place(event.clientY, box.top, box.height), place(event.clientX, box.left, box.width)];
    if (Math.min(row, column) >= 0 && cells > Math.max(row, column) && pixels) {
      const level = levels.get(key(pixels, row * cells + column));
      const [from, to] = [Number(data().dataset.from), Number(data().dataset.to)];
      const value = (from + (to - from) * level / 255).toPrecision(3);
      show(name(row) + "\n" + name(column) + "\naffinity " + (level === 255 ? "at least " : "about ") + value, event.clientX, event.clientY);
    } else {
      hide();
    }
  });
  map.addEventListener("pointerleave", hide);
})();
