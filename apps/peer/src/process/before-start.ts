import { keepBytecode } from './bytecode.ts';
import { keepYoungGenerationSmall } from './young-generation.ts';

keepBytecode();

/** Lets V8's space for new objects grow from now on. The first import of the program: loading the rest is most of a start. */
export const letYoungGenerationGrow = keepYoungGenerationSmall();
