# Needs: the configuration of each world of a benchmark.
# Makes: worlds/<world>/, where this workflow runs once more with that configuration and keeps what it makes;
# copies of what is read below, which may be deleted at will; the claims, weighed over all worlds.


rule run_world:
    """Run this workflow on one world, in a folder of its own, and copy what it made."""
    input:
        world_inputs,
        code=code(
            *sorted(
                {verb.function.partition(":")[0] for name, verb in STAGES.items() if name != "run_world"}
            )
        ),
        rules=sorted(relative(path) for path in (CHECKOUT / "workflow").rglob("*.smk")),
        snakefile=relative(CHECKOUT / "workflow" / "Snakefile"),
    output:
        [f"results/worlds/{{world}}/{file}" for file in WORLD_FILES],
        summary=report(
            "results/worlds/{world}/summary/summary.tsv",
            caption="../report/summary.rst",
            category="Worlds",
            labels={"figure": "{world}", "kind": "table"},
        ),
    log:
        "logs/run_world/{world}.log",
    benchmark:
        "benchmarks/run_world/{world}.tsv"
    conda:
        "../envs/report.yaml"
    # Snakemake gives no more than there are: few cores run one world after the other, many run them side by side.
    threads: 8
    resources:
        mem_mb=memory(8000),
        runtime=720,
    params:
        values=lambda wildcards: json.dumps(PROJECT.worlds[wildcards.world].values, sort_keys=True),
        main=lambda wildcards, input: str(workflow.main_snakefile),
        options=lambda wildcards, input: nested_options(),
    shell:
        "cbat run_world --world {wildcards.world} --values {params.values:q} --snakefile {params.main:q}"
        " --directory worlds/{wildcards.world} --outputs {output} --options {params.options}"
        " --threads {threads} > {log} 2>&1"


rule summarise_benchmark:
    """Weigh all worlds together against what is claimed, and say so in words."""
    input:
        code=code("cbat.evaluation.benchmark"),
        metrics=expand("results/worlds/{world}/summary/metrics.tsv", world=PROJECT.worlds),
    output:
        table=report(
            "results/summary/benchmark.tsv",
            caption="../report/benchmark.rst",
            category="Benchmark",
            labels={"figure": "What is claimed", "kind": "table"},
        ),
        words="results/summary/benchmark.txt",
        first_page="results/summary/benchmark.rst",
    log:
        "logs/summarise_benchmark/benchmark.log",
    benchmark:
        "benchmarks/summarise_benchmark/benchmark.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(500),
        runtime=10,
    params:
        worlds=lambda wildcards, input: [
            f"{world}={path}" for world, path in zip(PROJECT.worlds, input.metrics, strict=True)
        ],
        settings=settings("evaluation", "headline_support"),
        baseline=PROJECT.config.baseline,
        full_model=PROJECT.config.full_model,
    shell:
        "cbat summarise_benchmark --worlds {params.worlds} --settings {params.settings:q}"
        " --baseline {params.baseline} --full-model {params.full_model} --directory results/summary"
        " > {log} 2>&1"
