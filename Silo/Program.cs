// A cluster of silos on Redis comes with the next piece of work; until then WebFront hosts its silo itself.
await Console.Error.WriteLineAsync("The cluster silo is not built yet: run WebFront without ConnectionStrings:Redis.");
return 1;
