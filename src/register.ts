/** `node --import lastcall/register app.js`: makes this very process a correct PID 1. To import this file is enough. */
import { register } from "./inprocess/register.ts";

register();
