export {
  type Choice,
  type ChoiceConfig,
  type ChoiceInputs,
  type ChosenStrategy,
  chooseStrategy,
  defaultChoiceConfig,
  fallBack,
  type Progress,
} from './choose.ts';
export { defaultMemoryConfig, type MemoryConfig, type Observation, QueryMemory } from './memory.ts';
