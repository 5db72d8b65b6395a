/**
 * Calls back on Shift pressed alone, three times, with at most five seconds between two. A Shift that made a capital letter,
 * and one held during a click, do not count; any other key begins anew.
 *
 * @param {(count: number) => void} onPress 1, 2, 3; 0 when it begins anew.
 */
export function onShifts(onPress) {
  let count = 0;
  let alone = false;
  let last = 0;
  const anew = () => {
    alone = false;
    if (count) onPress((count = 0));
  };
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'Shift') anew();
      else if (!event.repeat) alone = !(event.ctrlKey || event.altKey || event.metaKey);
    },
    true,
  );
  document.addEventListener('pointerdown', anew, true);
  document.addEventListener(
    'keyup',
    (event) => {
      if (event.key !== 'Shift' || !alone) return;
      alone = false;
      count = event.timeStamp - last > 5000 ? 1 : count + 1;
      last = event.timeStamp;
      onPress(count);
      if (count === 3) count = 0;
    },
    true,
  );
}

/** The page is gone from sight before anything else is done. */
export function hidePage() {
  document.documentElement.style.visibility = 'hidden';
}
