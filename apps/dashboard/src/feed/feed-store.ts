import type { Millis } from '@starling/kernel';
import { MeshPicture, type PictureStep, type Totals } from '@starling/topology';
import { type FeedEvent, historySecondsMax, type UpstreamStatus } from './feed-event.ts';

/** All that the pages show, at one moment. A new object after each change. */
export interface FeedState {
  readonly picture: MeshPicture;
  /** Counts changes of the picture: it is one object that changes inside. */
  readonly revision: number;
  /** Peers that the mesh is believed to have. */
  readonly known: number;
  readonly status: UpstreamStatus | null;
  /** Whether the stream from our own server is open. */
  readonly isConnected: boolean;
  /** Whether it was tried and failed, or broke, since it was last open. */
  readonly isLost: boolean;
  /** Whether our server last said something that this page cannot read: it is of another version. */
  readonly isUnreadable: boolean;
  /** Whether the first picture of the mesh has come. */
  readonly hasPicture: boolean;
  /** When a peer was last heard, by this browser's clock; 0 before the first time. */
  readonly heardAt: number;
  /** One entry per second, the oldest first. */
  readonly history: readonly Totals[];
  /** The time of the past that is shown, by the serving peer's clock; null: now. */
  readonly pastAt: Millis | null;
}

/** Renders at most so often: a person sees no more, and a burst of deltas costs one render. */
const renderIntervalMs = 120;
/** A render is followed by at least this many times what it took: the page must answer to keys and clicks, however large the mesh. */
const pauseShare = 2;
/** The longest pause for that: what is shown must not grow old. */
const pauseMsMax = 2_000;
/** Deltas that wait for a render at most: a hidden tab renders seldom. Guess. */
const waitingMax = 64;
/** A tab that nobody has looked at for so long closes its stream, and with the last one the mesh stops reporting. */
const hiddenMsMax = 30_000;

const empty: FeedState = {
  picture: new MeshPicture(),
  revision: 0,
  known: 0,
  status: null,
  isConnected: false,
  isLost: false,
  isUnreadable: false,
  hasPicture: false,
  heardAt: 0,
  history: [],
  pastAt: null,
};

/** The browser's end of the feed: one event stream, one picture, many components. */
export class FeedStore {
  readonly #listeners = new Set<() => void>();
  #state: FeedState = { ...empty, picture: new MeshPicture() };
  #shown: FeedState = this.#state;
  #source: EventSource | null = null;
  #lastId = '';
  #waiting: PictureStep[] = [];
  #restUntil = 0;
  #renderTimer: ReturnType<typeof setTimeout> | null = null;
  #hiddenTimer: ReturnType<typeof setTimeout> | null = null;

  /** What a server renders: nothing is known yet. */
  static readonly serverState: FeedState = empty;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): FeedState => this.#shown;

  /** Opens the stream; the function that is returned closes it for good. */
  start(): () => void {
    this.#open();
    const onVisibility = (): void => {
      if (this.#hiddenTimer !== null) clearTimeout(this.#hiddenTimer);
      this.#hiddenTimer = null;
      if (document.hidden) this.#hiddenTimer = setTimeout(() => this.#close(), hiddenMsMax);
      else if (this.#source === null) this.#open();
    };
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      if (this.#hiddenTimer !== null) clearTimeout(this.#hiddenTimer);
      if (this.#renderTimer !== null) clearTimeout(this.#renderTimer);
      this.#close();
    };
  }

  #open(): void {
    const source = new EventSource(this.#lastId === '' ? '/api/topology' : `/api/topology?after=${this.#lastId}`);
    source.onopen = () => this.#change({ isConnected: true, isLost: false });
    source.onmessage = (message: MessageEvent<string>) => {
      this.#lastId = message.lastEventId;
      try {
        this.#onEvent(JSON.parse(message.data) as FeedEvent);
      } catch {
        // A server of another version, after an upgrade: the old picture stays, and the page says that it is old.
        this.#change({ isUnreadable: true });
      }
    };
    source.onerror = () => {
      this.#change({ isConnected: false, isLost: true });
      // An answer other than 200 ends an EventSource for good: a server that restarts deserves another try.
      if (source.readyState === EventSource.CLOSED && this.#source === source) setTimeout(() => this.#reopen(), 2_000);
    };
    this.#source = source;
  }

  #reopen(): void {
    if (this.#source?.readyState === EventSource.CLOSED) this.#open();
  }

  #close(): void {
    this.#source?.close();
    this.#source = null;
    this.#change({ isConnected: false });
  }

  #onEvent(event: FeedEvent): void {
    this.#change({ ...this.#effectOf(event), isUnreadable: false });
  }

  #effectOf(event: FeedEvent): Partial<FeedState> {
    const { picture, history } = this.#state;
    switch (event.kind) {
      case 'snapshot': {
        const { known, status } = event;
        if (event.at === 0) return { status };
        this.#settle();
        picture.reset(event.at, event.snapshot);
        picture.remember(event.changes, event.since);
        const revision = this.#state.revision + 1;
        return { known, status, history: event.history, hasPicture: true, heardAt: Date.now(), revision };
      }
      case 'delta':
        this.#waiting.push(event);
        if (this.#waiting.length >= waitingMax) this.#settle();
        return { known: event.known, heardAt: Date.now() };
      case 'totals':
        return { history: [...history, event.totals].slice(-historySecondsMax) };
      case 'status':
        return { status: event.status };
    }
  }

  /** Takes over what waits. */
  #settle(): void {
    if (this.#waiting.length === 0) return;
    this.#state.picture.applyAll(this.#waiting);
    this.#waiting = [];
    this.#state = { ...this.#state, revision: this.#state.revision + 1 };
  }

  #change(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change };
    if (this.#renderTimer !== null) return;
    const now = performance.now();
    this.#renderTimer = setTimeout(() => this.#render(), Math.max(renderIntervalMs, this.#restUntil - now));
  }

  #render(): void {
    this.#renderTimer = null;
    const begin = performance.now();
    this.#settle();
    this.#shown = this.#state;
    for (const listener of this.#listeners) listener();
    // What React and the picture do with it is over once the browser has drawn: it asks for the frame after the next when it can
    // take one, which with software GL may be later than this thread knows of. A hidden one draws nothing.
    const rest = (): void => {
      const now = performance.now();
      this.#restUntil = now + Math.min(pauseMsMax, pauseShare * (now - begin));
    };
    if (document.hidden) rest();
    else requestAnimationFrame(() => requestAnimationFrame(rest));
  }
}
