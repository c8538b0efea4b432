import manifest from '../package.json' with { type: 'json' };

/** Of this peer, as in its package.json. */
export const { version } = manifest;
