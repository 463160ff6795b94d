/** `node --import lastcall/register app.js`: makes this very process a correct PID 1. Importing this file is all there is to it. */
import { register } from "./inprocess/register.ts";

register();
