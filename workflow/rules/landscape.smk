# Needs: the section `landscape`; peaks and signals of the cell lines, where they have some; labelled pairs, elements,
# and the prototype graph without unseen lines; the genome, where there is one, for the strands of insulators.
# Makes: transcription starts, ranked tracks of each line, ranked signals of its enhancers, what lies between and around
# the ends of each labelled pair (from the line's own tracks, from those that the graph expects, from those of a wrong
# and of a sibling line), and the laws that models have. Of an unseen line nothing is read for the others.

LANDSCAPE = PROJECT.config.landscape
PROMOTER_CLASSES = [str(path) for path in [LANDSCAPE and LANDSCAPE.promoter_classes] if path is not None]
INSULATOR_MOTIFS = [str(path) for path in [LANDSCAPE and LANDSCAPE.insulator_motifs] if path is not None]


if LANDSCAPE is not None:

    rule read_genes:
        """Read where genes start."""
        input:
            genes=str(LANDSCAPE.genes),
            contig_names=contig_names(),
            promoter_classes=PROMOTER_CLASSES,
        output:
            genes="results/genes/genes.parquet",
            report="results/genes/genes.json",
        log:
            "logs/read_genes/genes.log",
        benchmark:
            "benchmarks/read_genes/genes.tsv"
        # What the user brings is read first, so that a mistake in it stops a run before any work.
        priority: 10
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(10),
        params:
            code=code("cbat.landscape.genes"),
            contig_names=contig_names_option,
            promoter_classes=["--promoter-classes", *PROMOTER_CLASSES] if PROMOTER_CLASSES else [],
        message:
            "Read where genes start."
        shell:
            "cbat read_genes --genes {input.genes:q} {params.contig_names:q} {params.promoter_classes:q}"
            " --output {output.genes} > {log} 2>&1"

    rule read_tracks:
        """Rank the peaks of a cell line."""
        input:
            peaks=lambda wildcards: track_files(PROJECT.row(wildcards.cell_line)),
            motifs=INSULATOR_MOTIFS,
            contig_names=contig_names(),
            genome=PREPARED_GENOME,
        output:
            tracks="results/tracks/{cell_line}.parquet",
            report="results/tracks/{cell_line}.json",
        log:
            "logs/read_tracks/{cell_line}.log",
        benchmark:
            "benchmarks/read_tracks/{cell_line}.tsv"
        # Of prototypes nothing but their tracks is read.
        wildcard_constraints:
            cell_line=one_of(PROJECT.names() + PROJECT.names("prototype")),
        # What the user brings is read first, so that a mistake in it stops a run before any work.
        priority: 10
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(30),
        params:
            code=code("cbat.landscape.tracks"),
            cell_lines=sheet("cell_lines"),
            row=lambda wildcards: rows([PROJECT.row(wildcards.cell_line)], "cell_line", *TRACK_KINDS),
            settings=settings("landscape", "insulator_motifs", "signals"),
            # The genes are of no concern here, but no landscape is without them.
            given=lambda wildcards, input: settings("landscape"),
            contig_names=contig_names_option,
            genome=lambda wildcards, input: (
                f"--genome {input.genome[0]} --contig-sizes {input.genome[2]}" if input.genome else ""
            ),
        message:
            "Rank the peaks of {wildcards.cell_line}."
        shell:
            "cbat read_tracks --sheet {params.cell_lines:q} --cell-line {wildcards.cell_line}"
            " --settings {params.given:q} {params.contig_names:q} {params.genome} --output {output.tracks}"
            " > {log} 2>&1"

    rule read_signals:
        """Rank the signals at the candidate enhancers of a cell line."""
        input:
            signals=lambda wildcards: signal_files(PROJECT.row(wildcards.cell_line)),
            elements=lambda wildcards: elements_of(cohort_of(wildcards)),
            contig_names=contig_names(),
        output:
            signals="results/signals/{cell_line}.parquet",
            report="results/signals/{cell_line}.json",
        log:
            "logs/read_signals/{cell_line}.log",
        benchmark:
            "benchmarks/read_signals/{cell_line}.tsv"
        # What the user brings is read first, so that a mistake in it stops a run before any work.
        priority: 10
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(1000),
            runtime=minutes(30),
        params:
            code=code("cbat.landscape.element_signals"),
            cell_lines=sheet("cell_lines"),
            cohort=cohort_of,
            row=lambda wildcards: rows([PROJECT.row(wildcards.cell_line)], "cell_line", *ELEMENT_SIGNALS),
            settings=settings("landscape", "signals"),
            # The genes are of no concern here, but no landscape is without them.
            given=lambda wildcards, input: settings("landscape"),
            contig_names=contig_names_option,
        message:
            "Rank the signals at the candidate enhancers of {wildcards.cell_line}."
        shell:
            "cbat read_signals --sheet {params.cell_lines:q} --cell-line {wildcards.cell_line}"
            " --settings {params.given:q} --elements-directory results/elements/{params.cohort}"
            " {params.contig_names:q} --output {output.signals} > {log} 2>&1"

    rule read_landscape:
        """Say what lies between and around the ends of each labelled pair of a cell line."""
        input:
            labels="results/labels/{cell_line}.parquet",
            elements=lambda wildcards: elements_of(cohort_of(wildcards)),
            tracks=lambda wildcards: expand(
                "results/tracks/{cell_line}.parquet", cell_line=lines_beside(wildcards)
            ),
            graph="results/graph/training/graph.json",
            genes="results/genes/genes.parquet",
            signals=signals_of,
        output:
            [f"results/landscape/{{cell_line}}/{file}" for file in LANDSCAPE_FILES],
        log:
            "logs/read_landscape/{cell_line}.log",
        benchmark:
            "benchmarks/read_landscape/{cell_line}.tsv"
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(2000),
            runtime=minutes(60),
        params:
            code=code("cbat.landscape.pairs"),
            cohort=cohort_of,
            tissue=lambda wildcards: PROJECT.row(wildcards.cell_line).tissue,
            training_lines=EXPECTED_FROM,
            expectation=PROJECT.config.landscape.expectation,
            tracks=lambda wildcards: [
                f"{name}=results/tracks/{name}.parquet" for name in lines_beside(wildcards)
            ],
            stand_ins=lambda wildcards: [
                part for context, name in stand_ins(wildcards).items() for part in (f"--{context}", name)
            ],
            signals=lambda wildcards, input: ["--signals", *input.signals] if input.signals else [],
        message:
            "Read what lies between the ends of the pairs of {wildcards.cell_line}."
        shell:
            "cbat read_landscape --cell-line {wildcards.cell_line} --labels {input.labels}"
            " --elements-directory results/elements/{params.cohort} --tracks {params.tracks}"
            " --training-lines {params.training_lines} --tissue {params.tissue} --graph {input.graph}"
            " --genes {input.genes} --expectation {params.expectation} {params.stand_ins} {params.signals}"
            " --directory results/landscape/{wildcards.cell_line} > {log} 2>&1"

    rule fit_landscape:
        """Fit a law of the landscape to the training lines; validation lines and chromosomes choose its parts."""
        input:
            landscapes(PROJECT.names("train", "validation")),
        output:
            "results/laws/{law}/law.json",
        log:
            "logs/fit_landscape/{law}.log",
        benchmark:
            "benchmarks/fit_landscape/{law}.tsv"
        wildcard_constraints:
            law=one_of(PROJECT.laws) or "-",
        # Trainings and evaluations wait for it.
        priority: 5
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(3000),
            runtime=minutes(120),
        params:
            code=code("cbat.landscape.fit"),
            landscapes=landscape_folders(PROJECT.names("train", "validation")),
            train_lines=PROJECT.names("train"),
            validation_lines=PROJECT.names("validation"),
            splits=settings("splits"),
            label_kind=PROJECT.config.labels.kind,
        message:
            "Fit the law {wildcards.law} of the landscape."
        shell:
            "cbat fit_landscape --law {wildcards.law} --landscapes {params.landscapes}"
            " --train-lines {params.train_lines} --validation-lines {params.validation_lines}"
            " --label-kind {params.label_kind} --splits {params.splits:q} --output {output} > {log} 2>&1"

    rule evaluate_landscape:
        """Evaluate a model without sequence, which is a law of the landscape, on one cell line."""
        input:
            law=lambda wildcards: law_file(wildcards.model),
            landscape=[f"results/landscape/{{cell_line}}/{file}" for file in LANDSCAPE_FILES],
        output:
            metrics="results/evaluation/{model}/seed_{seed}/{cell_line}/metrics.tsv",
            scored_pairs="results/evaluation/{model}/seed_{seed}/{cell_line}/scored_pairs.parquet",
        log:
            "logs/evaluate_landscape/{model}_seed_{seed}_{cell_line}.log",
        benchmark:
            "benchmarks/evaluate_landscape/{model}_seed_{seed}_{cell_line}.tsv"
        wildcard_constraints:
            model=one_of(PROJECT.landscape_models) or "-",
        conda:
            "../envs/data.yaml"
        resources:
            mem_mb=memory(2000),
            runtime=minutes(60),
        params:
            code=code("cbat.evaluation.landscape_line"),
            role=role_of,
            settings=settings(
                "evaluation",
                "chromosomes",
                "contexts",
                "support_sizes",
                "headline_support",
                "headline_negatives",
                "n_bootstrap",
                "seed",
            ),
            splits=settings("splits"),
        message:
            "Evaluate {wildcards.model} (seed {wildcards.seed}) on {wildcards.cell_line}."
        shell:
            "cbat evaluate_landscape --model {wildcards.model} --seed {wildcards.seed}"
            " --cell-line {wildcards.cell_line} --role {params.role} --law {input.law}"
            " --landscape results/landscape/{wildcards.cell_line} --settings {params.settings:q}"
            " --splits {params.splits:q}"
            " --directory results/evaluation/{wildcards.model}/seed_{wildcards.seed}/{wildcards.cell_line}"
            " > {log} 2>&1"
