// Where a page stands in one channel, and what it has had already. No clock, no network.

const mostEarly = 10_000;  // messages

// "EPOCH-OFFSET": within one epoch the larger offset is the later one.
function parse(position) {
  const at = position.lastIndexOf('-');
  return { epoch: position.slice(0, at), offset: BigInt(position.slice(at + 1)) };
}

// Whether b is in a's epoch and not before it.
export function reaches(b, a) {
  if (!a || !b) return false;
  const [one, other] = [parse(a), parse(b)];
  return one.epoch === other.epoch && other.offset >= one.offset;
}

export class Place {
  position = '';    // to resume from; empty: from nowhere
  #known = false;   // it was subscribed before
  #early = new Set();  // the ids of those that were taken without a position
  #begun = '';      // where the channel stood when the page began anew, until it takes something

  // From an earlier life of the page.
  resumeFrom(position) {
    this.position = position;
    this.#known = true;
  }

  // The server's answer to a subscription. True if something may be missing from now on.
  begin({ position, recovered }, history) {
    const again = this.#known;
    this.#known = true;
    if (recovered) return false;
    this.#begun = position ?? '';
    if (!position) {
      this.position = '';
    } else {
      // The newest `history` messages come now. Cut off in the midst of them it goes on there.
      const { epoch, offset } = parse(position);
      const first = offset - BigInt(history);
      const start = `${epoch}-${first > 0n ? first : 0n}`;
      if (!reaches(this.position, start)) this.position = start;
    }
    return again;
  }

  // Whether a message there is new. What has no position is.
  isNew(position) {
    return !reaches(this.position, position);
  }

  // Whether it was taken before, when its position was not known. Without one it is noted, and new.
  had(id, position) {
    if (!id) return false;
    if (position) return this.#early.delete(id);
    this.#early.add(id);
    if (this.#early.size > mostEarly) this.#early.delete(this.#early.values().next().value);
    return false;
  }

  // What the page's script has taken, or was told to be lost.
  moveTo(position) {
    if (position) this.position = position;
    this.#begun = '';
  }

  // The connection has lasted: of the past nothing else will come.
  settle() {
    if (this.#begun) this.moveTo(this.#begun);
  }
}
