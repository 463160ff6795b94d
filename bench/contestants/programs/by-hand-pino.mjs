// by-hand.mjs of an author who logs by pino.
import pino from "pino";
import { serve } from "./by-hand.mjs";

serve(pino());
