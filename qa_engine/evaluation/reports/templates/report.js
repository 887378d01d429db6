(() => {
  "use strict";
  const form = document.querySelector("form.filters");
  if (!form) return;
  form.hidden = false;
  const cases = [...document.querySelectorAll("details.case")];
  const told = document.getElementById("shown");
  const { words, outcome, open, close } = form.elements;
  const texts = new Map();
  const textOf = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.normalize("NFKC").toLowerCase());
    return texts.get(item);
  };
  const apply = () => {
    const wanted = words.value.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of cases) {
      const fits = (!outcome.value || item.dataset.outcome === outcome.value) && wanted.every((word) => textOf(item).includes(word));
      item.hidden = !fits;
      if (fits) shown += 1;
    }
    told.textContent = `${shown} of ${cases.length} shown`;
  };
  let waiting = 0;
  const soon = () => { clearTimeout(waiting); waiting = setTimeout(apply, 120); };
  const setAll = (state) => { for (const item of cases) if (!item.hidden) item.open = state; };
  words.addEventListener("input", soon);
  outcome.addEventListener("change", apply);
  open.addEventListener("click", () => setAll(true));
  close.addEventListener("click", () => setAll(false));
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  for (const link of document.querySelectorAll("a[data-outcome]")) {
    link.addEventListener("click", () => { outcome.value = link.dataset.outcome; apply(); });
  }
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("details.case")) { target.hidden = false; target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
