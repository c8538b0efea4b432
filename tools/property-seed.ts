// Property tests draw their cases from a seed. `npm test` gives the same verdict on the same code every time, so the seed is
// fixed there; `npm run fuzz` goes through new ones, and a failure prints the seed that repeats it.
import fc from 'fast-check';

const text = process.env.STARLING_PROPERTY_SEED ?? '1';
if (!/^-?\d{1,10}$/.test(text)) throw new Error(`STARLING_PROPERTY_SEED=${text}: use a whole number`);

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(text) });
