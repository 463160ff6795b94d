// by-hand.ts of an author who logs by pino.
import { pino } from "pino";
import { serve } from "./by-hand.ts";

serve(pino());
