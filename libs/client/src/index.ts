export { errorDomain, fromStatus, type StatusAnswer, toStatus } from './error-status.ts';
export {
  type ErrorDetails,
  type FieldViolation,
  invalidRequest,
  reasons,
  type StarlingCode,
  StarlingError,
  type StarlingReason,
} from './errors.ts';
