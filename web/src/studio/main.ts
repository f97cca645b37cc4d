import { mount } from "svelte";
import "../styles/base.css";
import Studio from "./Studio.svelte";

mount(Studio, { target: document.getElementById("app") as HTMLElement });
